/** Where cloud-init looks for scripts that run at the end of every boot. */
export const readinessScriptPath = '/var/lib/cloud/scripts/per-boot/99-berth-ready'

/**
 * The program in the guest that tells the host, once a boot is done, that this boot is up: one JSON line
 * every two seconds to the virtio-serial port `io.berth.ready`. Linux blocks such a write while no host
 * listens (drivers/char/virtio_console.c), so a host that connects reads a fresh line at once and the loop
 * costs nothing meanwhile.
 *
 * It needs a POSIX shell only. udev names ports below /dev/virtio-ports; where mdev does not, sysfs does.
 * cloud-init itself is written in Python, so python3 is there to quote its error messages as JSON; where
 * it is not, a fixed sentence stands in.
 */
export const readinessScript = `#!/bin/sh
if [ "$1" != loop ]; then
  if command -v setsid >/dev/null 2>&1; then
    setsid sh "$0" loop </dev/null >/dev/null 2>&1 &
  else
    nohup sh "$0" loop </dev/null >/dev/null 2>&1 &
  fi
  exit 0
fi

find_port() {
  port=/dev/virtio-ports/io.berth.ready
  [ -e "$port" ] && return 0
  for entry in /sys/class/virtio-ports/*; do
    port="/dev/\${entry##*/}"
    [ "$(cat "$entry/name" 2>/dev/null)" = io.berth.ready ] && [ -e "$port" ] && return 0
  done
  return 1
}

boot=$(cat /proc/sys/kernel/random/boot_id)
os=$(. /etc/os-release 2>/dev/null && printf '%s' "$PRETTY_NAME")

# The end of cloud-init's last stage writes result.json, after which all errors are known.
tries=0
until [ -e /run/cloud-init/result.json ] || [ "$tries" -ge 300 ]; do
  tries=$((tries + 1))
  sleep 1
done

line() {
  if command -v python3 >/dev/null 2>&1; then
    python3 - "$boot" "$os" <<'PYTHON' && return 0
import json, sys
errors = []
try:
    with open('/run/cloud-init/status.json') as file:
        stages = json.load(file).get('v1', {})
    for stage in stages.values():
        if isinstance(stage, dict):
            errors += [str(error) for error in stage.get('errors') or []]
except FileNotFoundError:
    pass
except Exception as error:
    errors.append('cloud-init left no readable status: ' + str(error))
report = {'bootId': sys.argv[1], 'state': 'error' if errors else 'ok', 'os': sys.argv[2]}
if errors:
    report['detail'] = '; '.join(errors)[:500]
print(json.dumps(report))
PYTHON
  fi
  if grep -q '"errors": *\\[ *[^] ]' /run/cloud-init/result.json 2>/dev/null; then
    printf '{"bootId":"%s","state":"error","detail":"cloud-init reports errors: see /var/log/cloud-init.log"}\\n' "$boot"
  else
    printf '{"bootId":"%s","state":"ok"}\\n' "$boot"
  fi
}

report=$(line)
while :; do
  find_port && printf '%s\\n' "$report" > "$port"
  sleep 2
done
`
