/** Where cloud-init looks for scripts that run at the end of every boot. */
export const readinessScriptPath = '/var/lib/cloud/scripts/per-boot/99-berth-ready'

/** Where systemd looks for units that an administrator made. */
export const readinessUnitPath = '/etc/systemd/system/berth-ready.service'

/**
 * Has systemd run the script from the second boot on, whatever becomes of cloud-init: that cannot even begin on a
 * disk that is full. Nothing orders it after cloud-init, which comes after the target that starts it; the script waits.
 */
export const readinessUnit = `[Unit]
Description=Report to the host that this machine is up

[Service]
ExecStart=/bin/sh ${readinessScriptPath} loop
StandardOutput=null

[Install]
WantedBy=multi-user.target
`

/**
 * The program in the guest that tells the host, once a boot is done, that this boot is up: one JSON line
 * every two seconds to the virtio-serial port `io.berth.ready`. Linux blocks such a write while no host
 * listens (drivers/char/virtio_console.c), so a host that connects reads a fresh line at once and the loop
 * costs nothing meanwhile.
 *
 * It needs a POSIX shell only, and writes to no disk: a here-document would (bash, "Here Documents"). At its first
 * boot it has systemd start it at each later one; where there is no systemd, cloud-init does. udev names ports below
 * /dev/virtio-ports; where mdev does not, sysfs does. cloud-init itself is written in Python, so python3 is there to
 * quote its error messages as JSON; where it is not, a fixed sentence stands in.
 *
 * That cloud-init finds no space is no error of a machine that it has configured before: the machine is up, and whoever
 * filled its disk must get in to clear it.
 */
export const readinessScript = `#!/bin/sh
if [ "$1" != loop ]; then
  unit=berth-ready.service
  if [ -d /run/systemd/system ] && [ -e ${readinessUnitPath} ]; then
    systemctl --quiet is-active "$unit" && exit 0
    systemctl --quiet enable --now --no-block "$unit" && exit 0
  fi
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
[ -e /var/lib/cloud/instance/boot-finished ] && configured=configured
os=$(. /etc/os-release 2>/dev/null && printf '%s' "$PRETTY_NAME")

# The end of cloud-init's last stage writes result.json, after which all errors are known. Where it cannot be written,
# or there is no cloud-init any more, systemd knows when that stage is over.
is_over() {
  [ -e /run/cloud-init/result.json ] && return 0
  # Asking is slow where the processor is emulated.
  [ $((tries % 5)) = 4 ] && [ -d /run/systemd/system ] || return 1
  state=$(systemctl show --property=Job --property=ActiveState cloud-final.service) || return 1
  case $state in
    *Job=[1-9]* | *ActiveState=activating*) return 1 ;;
  esac
}
tries=0
until is_over || [ "$tries" -ge 300 ]; do
  tries=$((tries + 1))
  sleep 1
done

line() {
  if command -v python3 >/dev/null 2>&1; then
    python3 -c '
import glob, json, sys
errors = []
try:
    with open("/run/cloud-init/status.json") as file:
        stages = json.load(file).get("v1", {})
    for stage in stages.values():
        if isinstance(stage, dict):
            errors += [str(error) for error in stage.get("errors") or []]
except FileNotFoundError:
    pass
except Exception as error:
    errors.append("cloud-init left no readable status: " + str(error))
try:
    with open("/run/berth-access") as file:
        access = file.read(64).strip()
except OSError:
    access = ""
if sys.argv[3] == "configured":
    errors = [error for error in errors if "No space left on device" not in error]
report = {"bootId": sys.argv[1], "state": "error" if errors else "ok", "os": sys.argv[2]}
if access:
    report["access"] = access
if errors:
    report["detail"] = "; ".join(errors)[:500]
print(json.dumps(report))
' "$boot" "$os" "$configured" && return 0
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
