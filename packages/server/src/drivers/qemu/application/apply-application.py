# Runs in the guest as root, with what it is to serve as JSON on standard input (see ensure-application.ts).
# Repeated, it changes nothing. Exit status 3: the port is another program's, whose name is printed.
import json
import os
import re
import shutil
import subprocess
import sys
import time

wanted = json.load(sys.stdin)
paths, programs, units, parts = wanted['paths'], wanted['programs'], wanted['units'], wanted['parts']

STORE = '/var/lib/containers/storage'
LAYERS = STORE + '/overlay'
KEPT = LAYERS + '/berth-kept'


class Failed(Exception):
    pass


def systemctl(*words, check=True):
    done = subprocess.run(['systemctl', *words], capture_output=True, text=True, errors='replace')
    if check and done.returncode != 0:
        raise Failed('systemctl ' + ' '.join(words) + ': ' + done.stderr.strip()[-300:])
    return done.stdout.strip()


def read(path):
    try:
        with open(path, encoding='utf-8') as file:
            return file.read()
    except FileNotFoundError:
        return None


def write(path, content, mode=0o600):
    temporary = path + '.new'
    remove(temporary)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), 'w', encoding='utf-8') as file:
        os.fchmod(file.fileno(), mode)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.rename(temporary, path)


def remove(path):
    try:
        os.unlink(path)
        return True
    except FileNotFoundError:
        return False


def wants_link(unit):
    return '/etc/systemd/system/multi-user.target.wants/' + os.path.basename(unit['path'])


def keep_what_was_written():
    """
    Lets what the container wrote outlive it, for the next one to take what its volumes take the place of
    (run-application.py). The container may go on: overlayfs holds the directory, wherever that lies in its mount.
    """
    for container in json.loads(read(STORE + '/overlay-containers/containers.json') or '[]'):
        layer = f"{LAYERS}/{container['layer']}/diff"
        if 'berth-application' not in container.get('names', []) or os.path.islink(layer):
            continue
        os.makedirs(KEPT, 0o700, exist_ok=True)
        present = sorted(os.listdir(KEPT))
        begun = [name for name in present if name.endswith(container['layer'])]
        kept = f"{KEPT}/{begun[0] if begun else f'{len(present):04}-' + container['layer']}"
        if not begun and os.path.isdir(layer):
            os.rename(layer, kept)
        if os.path.isdir(kept):
            os.symlink(kept, layer)


def keep_at_change_of_version():
    """A server that knew less of what is to be kept has set the unit up."""
    [unit] = [unit for unit in units if os.path.basename(unit['path']) == wanted['application']]
    if read(unit['path']) not in (None, unit['content']):
        keep_what_was_written()


def take_away():
    names = [os.path.basename(unit['path']) for unit in units]
    if any([os.path.exists(unit['path']) for unit in units]):
        keep_at_change_of_version()
        systemctl('stop', *names)
        systemctl('reset-failed', *names, check=False)
        for unit in units:
            remove(wants_link(unit))
            remove(unit['path'])
        systemctl('daemon-reload')
    shutil.rmtree(paths['directory'], ignore_errors=True)


def lacks_volume(part):
    """Whether the container is to have a volume that the present one has not."""
    [command] = [file['content'] for file in part['files'] if file['path'] == paths['command']]
    names = [re.match(r'--volume=([^:/]+):', word) for word in json.loads(command)]
    return any(name and not os.path.isdir(f'{STORE}/volumes/{name.group(1)}') for name in names)


def ensure_units():
    changed = False
    keep_at_change_of_version()
    for program in programs:
        if read(program['path']) != program['content']:
            write(program['path'], program['content'])
    for unit in units:
        if read(unit['path']) != unit['content']:
            write(unit['path'], unit['content'], 0o644)
            changed = True
        # What systemctl enable does, which reloads systemd each time.
        if not os.path.islink(wants_link(unit)):
            os.makedirs(os.path.dirname(wants_link(unit)), exist_ok=True)
            os.symlink(unit['path'], wants_link(unit))
            changed = True
    names = [os.path.basename(unit['path']) for unit in units]
    # A run that was broken off may have written them without that.
    if changed or 'yes' in systemctl('show', '--property=NeedDaemonReload', '--value', *names).split():
        systemctl('daemon-reload')


def is_applied(part):
    return read(part['stamp']) == part['fingerprint']


def is_alive(part):
    return systemctl('show', '--property=ActiveState', '--value', part['unit']) not in ('inactive', 'failed')


def store(part):
    """Replaces a part's files. The stamp comes last, once they are in use."""
    os.makedirs(part['directory'], 0o700, exist_ok=True)
    remove(part['stamp'])
    kept = {os.path.basename(file['path']) for file in part['files']} | {os.path.basename(paths['key'])}
    for name in set(os.listdir(part['directory'])) - kept:
        remove(os.path.join(part['directory'], name))
    for file in part['files']:
        write(file['path'], file['content'])


def listeners(port):
    """The programs that listen on a port: (name, unit of systemd)."""
    listing = subprocess.run(
        ['ss', '--no-header', '--listening', '--tcp', '--numeric', '--processes', f'sport = :{port}'],
        capture_output=True, text=True, errors='replace', check=True,
    ).stdout
    for name, pid in re.findall(r'\("([^"]*)",pid=(\d+)', listing):
        group = read(f'/proc/{pid}/cgroup') or ''
        unit = re.search(r'/([^/\n]+\.service)', group)
        yield name, unit.group(1) if unit else ''


def check_port(port):
    own = {part['unit'] for part in parts.values()}
    for name, unit in listeners(port):
        if unit not in own:
            print(name)
            sys.exit(3)


def ensure_web(part, port):
    store(part)
    test = subprocess.run(
        ['nginx', '-t', '-q', '-c', paths['webConfiguration']], capture_output=True, text=True, errors='replace'
    )
    if test.returncode != 0:
        raise Failed('nginx: ' + test.stderr.strip()[-300:])
    systemctl('reset-failed', part['unit'], check=False)
    systemctl('reload-or-restart', part['unit'])
    deadline = time.monotonic() + 10
    while all(unit != part['unit'] for _, unit in listeners(port)):
        if time.monotonic() > deadline:
            raise Failed(f'nginx does not listen on port {port}')
        time.sleep(0.1)
    write(part['stamp'], part['fingerprint'])


def ensure_all(port):
    for program in ('podman', 'nginx', 'openssl'):
        if shutil.which(program) is None:
            raise Failed(f'it has no {program}; services need an image such as debian-12-services')
    os.makedirs(paths['directory'], 0o700, exist_ok=True)
    ensure_units()
    application, web = parts['application'], parts['web']
    stale = not is_applied(application)
    web_stale = not is_applied(web) or not is_alive(web)
    if web_stale:
        check_port(port)
    if stale:
        if lacks_volume(application):
            keep_what_was_written()
        store(application)
        # Before the web server, which may take its port over.
        systemctl('stop', application['unit'])
        write(application['stamp'], application['fingerprint'])
    if web_stale:
        ensure_web(web, port)
    if stale or not is_alive(application):
        systemctl('reset-failed', application['unit'], check=False)
        systemctl('start', '--no-block', application['unit'])


def adopt():
    if any(os.path.exists(unit['path']) for unit in units):
        ensure_units()


try:
    if wanted.get('adopt'):
        adopt()
    elif parts is None:
        take_away()
    else:
        ensure_all(wanted['port'])
except (Failed, OSError, subprocess.SubprocessError) as error:
    sys.exit(str(error))
