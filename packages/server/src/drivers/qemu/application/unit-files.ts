import { guestPaths, guestUnits, type GuestFile } from './guest-paths.ts'

const unitDirectory = '/etc/systemd/system'

/** How often an application may end within an hour, other than in good order, before it has failed. */
export const ENDS_AN_HOUR = 4

/**
 * The container's service: nothing in it varies, what does is read from JSON. One that ends is started again; at
 * the fourth end within an hour it has failed, unless it ended in good order: with status 0, or with 143 as who is
 * asked to end by SIGTERM, after it had run for a while. podman says on its standard error why it cannot start the
 * container, and the program before it why it cannot make ready what is kept.
 */
const applicationUnit = `[Unit]
Description=Application of this machine
Wants=network-online.target
After=network-online.target
RequiresMountsFor=/var/lib/berth/images /var/lib/containers
StartLimitIntervalSec=3600
StartLimitBurst=${ENDS_AN_HOUR}

[Service]
Type=notify
NotifyAccess=all
Environment=HOME=/root PODMAN_SYSTEMD_UNIT=%n
ExecStart=/usr/bin/python3 -I ${guestPaths.program} start ${guestPaths.command}
ExecStop=/usr/bin/podman --events-backend=none rm --force --ignore berth-application
ExecStopPost=-/usr/bin/python3 -I ${guestPaths.program} ended %n
SuccessExitStatus=143
StandardOutput=null
StandardError=journal
SyslogIdentifier=podman
Delegate=yes
KillMode=mixed
Restart=always
RestartSec=2
TimeoutStartSec=300
TimeoutStopSec=60

[Install]
WantedBy=multi-user.target
`

const webUnit = `[Unit]
Description=Web server in front of this machine's application
After=network.target

[Service]
Type=forking
PIDFile=/run/berth-web.pid
ExecStart=/usr/sbin/nginx -c ${guestPaths.webConfiguration}
ExecReload=/bin/kill -HUP $MAINPID
KillMode=mixed
TimeoutStopSec=10
Restart=on-failure
RestartSec=2

[Install]
WantedBy=multi-user.target
`

/** The systemd units of an application, the same for each. */
export const unitFiles: readonly GuestFile[] = [
  { path: `${unitDirectory}/${guestUnits.application}`, content: applicationUnit },
  { path: `${unitDirectory}/${guestUnits.web}`, content: webUnit },
]
