import type { GuestApplication } from '../../machine-driver.ts'
import { guestPaths, type GuestFile } from './guest-paths.ts'

type Web = Pick<GuestApplication, 'port' | 'containerPort' | 'paths' | 'tls'>

/**
 * The files of the guest's web server, which stands in front of the application. Only port numbers and paths of
 * plain characters vary in its configuration.
 * @param application that has passed `checkApplication`
 */
export function webFiles(application: Web): GuestFile[] {
  const { port, containerPort, paths, tls } = application
  const content = configuration(port, tls !== null, locations(containerPort, paths))
  const certificates =
    tls === null
      ? []
      : [
          { path: guestPaths.chain, content: tls.chain },
          { path: guestPaths.root, content: tls.root },
        ]
  return [{ path: guestPaths.webConfiguration, content }, ...certificates]
}

/** A host as a client may call it (RFC 9110 section 7.2), without its port. */
const HOST = String.raw`(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])`

/**
 * Where the client reached the guest. Behind a port forward that is another port than nginx's own, and only the
 * client's words tell it; HTTP/2's `:authority` comes as `$http_host` too. What is no host and port is nobody's.
 */
const clientPlace = `
  map $scheme $default_port {
    https 443;
    default 80;
  }
  map $http_host $client_host {
    '' $server_addr:$server_port;
    "~^${HOST}(?::[0-9]{1,5})?$" $http_host;
    default '';
  }
  map $http_host $client_port {
    '' $server_port;
    "~:(?<given_port>[0-9]{1,5})$" $given_port;
    default $default_port;
  }
  # For who writes http:// to a port that answers by TLS; one that is not named is 80.
  map $http_host $plain_place {
    "~^${HOST}:[0-9]{1,5}$" $http_host;
    "~^${HOST}$" $http_host:80;
    default '';
  }
`

const tlsSettings = `    ssl_certificate ${guestPaths.chain};
    ssl_certificate_key ${guestPaths.key};
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache shared:berth:1m;
    # Somebody who writes http:// is shown the way.
    error_page 497 @plain;
    location @plain {
      if ($plain_place = '') {
        return 400;
      }
      return 308 https://$plain_place$request_uri;
    }
`

// Requests are not logged: their addresses may hold a token, and so do the lines of an error log below `crit`.
function configuration(port: number, tls: boolean, places: string): string {
  return `user www-data;
worker_processes auto;
worker_shutdown_timeout 10s;
pid /run/berth-web.pid;
error_log stderr crit;

events {
  worker_connections 4096;
}

http {
  access_log off;
  server_tokens off;
  map $http_upgrade $connection_upgrade {
    default upgrade;
    '' close;
  }
${clientPlace}
  server {
    listen ${port}${tls ? ' ssl http2' : ''};
${tls ? tlsSettings : ''}    absolute_redirect off;
    if ($client_host = '') {
      return 400;
    }
    large_client_header_buffers 4 32k;
    client_max_body_size 0;
    client_body_timeout 10m;
    send_timeout 10m;

    proxy_http_version 1.1;
    proxy_set_header Host $client_host;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_upgrade;
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-Host $client_host;
    proxy_set_header X-Forwarded-Port $client_port;
    proxy_buffering off;
    proxy_request_buffering off;
    proxy_connect_timeout 5s;
    proxy_send_timeout 1h;
    proxy_read_timeout 1h;

${places}  }
}
`
}

/**
 * Where only some paths are shown, the application is told the path that nginx has looked at, dots resolved:
 * `/metrics/../v1/` could mean something else to it than to nginx.
 */
function locations(containerPort: number, paths: readonly string[] | undefined): string {
  const place = (match: string, target: string): string =>
    `    location ${match} {\n      proxy_pass http://127.0.0.1:${containerPort}${target};\n    }\n`
  if (paths === undefined) return place('/', '')
  const shown = [...new Set(paths)].map((path) => place(`${path.endsWith('/') ? '^~' : '='} ${path}`, path))
  return `${shown.join('')}${paths.includes('/') ? '' : '    location / {\n      return 404;\n    }\n'}`
}
