# The main command of berth-application.service, which runs in the guest as root. `start COMMAND`: sees to it that what
# the application makes in its home and in its volumes outlives the container and is its user's, and becomes podman
# with the words in COMMAND. `ended UNIT`: after an orderly end, forgets the ends before it. What goes wrong is told as
# podman tells it, in a line that begins with "Error:" and with a status of podman's own.
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import traceback

# Python's isolated mode leaves out the program's own directory.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
from container_image import Image, home_of, is_within, read  # noqa: E402

STORE = '/var/lib/containers/storage'
VOLUMES = STORE + '/volumes'
# For whom each volume was made: UID:GID, in a file of the volume's name. One that does not yet have all that the image
# has in its place is SEEDING; no container has used it.
OWNERS = STORE + '/berth-owners'
SEEDING = 'seeding'
ROOT = (0, 0)
# What containers wrote that had not all of their volumes yet, the oldest first (apply-application.py).
KEPT = STORE + '/overlay/berth-kept'
STORE_VIEW = '/run/berth-store'
PODMAN = ['/usr/bin/podman', '--events-backend=none']
HOME_VOLUME = 'berth.home'
HOME_OF_IMAGE = '--label=berth.home=image'
# An application that ends sooner than that has not done anything for its user.
ORDERLY_SECONDS = 5
# podman's for what goes wrong before there is a container (podman-run(1), EXIT STATUS).
NO_CONTAINER = 125


class EngineFailed(Exception):
    """podman could not do what it was to do, in its own words."""


def engine(*words, fine=(0,)):
    """Runs podman, which writes to a file: what it leaves running would hold a pipe open. @returns its status"""
    # Nothing here is the start that systemd waits for.
    environment = {name: value for name, value in os.environ.items() if name != 'NOTIFY_SOCKET'}
    with os.fdopen(os.memfd_create('podman'), 'w+b') as said:
        command = [*PODMAN, *words]
        status = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=said, env=environment).returncode
        said.seek(0)
        lines = said.read(65536).decode(errors='replace').splitlines()
    if status not in fine:
        print(*lines, sep='\n', file=sys.stderr)
        errors = [line[6:] for line in lines if line.startswith('Error:')]
        raise EngineFailed(errors[-1] if errors else f'podman {words[0]} ended with status {status}')
    return status


def volumes_of(words):
    """Names of volumes by their place in the container."""
    pairs = [re.fullmatch(r'--volume=([^:/]+):([^:]+)', word) for word in words]
    return {pair.group(2): pair.group(1) for pair in pairs if pair}


def data_of(name):
    return f'{VOLUMES}/{name}/_data'


def noted(name):
    """For whom a volume was made, or SEEDING; None where no note tells, or it was cut off as earlier ones could be."""
    try:
        note = read(f'{OWNERS}/{name}')
    except OSError:
        return None
    owner = re.fullmatch(r'(\d+):(\d+)', note, re.ASCII)
    return tuple(map(int, owner.groups())) if owner else SEEDING if note == SEEDING else None


def write_note(name, note):
    """Is on the disk when it returns."""
    os.makedirs(OWNERS, 0o700, exist_ok=True)
    with open(f'{OWNERS}/.new', 'w', encoding='utf-8') as file:
        file.write(note if note == SEEDING else '{}:{}'.format(*note))
        file.flush()
        os.fsync(file.fileno())
    os.rename(f'{OWNERS}/.new', f'{OWNERS}/{name}')
    directory = os.open(OWNERS, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def is_to_be_seeded(name):
    return noted(name) == SEEDING or not os.path.isdir(data_of(name))


def seed(names, words, at, volumes):
    """
    Has podman make volumes with what the image has in their place, as it does for a container that starts. podman does
    so once, even if it is interrupted; here it begins anew until it was whole, and only then is there anything to lose.
    """
    for name in names:
        write_note(name, SEEDING)
        # podman removes by the beginning of a name, too.
        if os.path.lexists(f'{VOLUMES}/{name}') and engine('volume', 'exists', name, fine=(0, 1)) == 0:
            engine('volume', 'rm', '--force', name)
    # The runtime looks for the program that it would start.
    options = [word for word in words[3:at] if re.match('--env(-file)?=', word)]
    options += [f'--volume={name}:{path}' for path, name in volumes.items() if name in names]
    fixed = ['--name=berth-seed', '--replace', '--pull=never', '--network=none']
    engine('create', *fixed, *options, *words[at:])
    engine('init', 'berth-seed')
    engine('rm', '--force', 'berth-seed')
    os.sync()
    for name in names:
        write_note(name, ROOT)


def merge(source, target, places, path):
    """Moves what a container wrote at `path` over what is in its volume. May be broken off, and begun again."""
    for entry in list(os.scandir(source)):
        inside = f'{path}/{entry.name}'
        if inside in places:
            continue
        to = os.path.join(target, entry.name)
        found = entry.stat(follow_symlinks=False)
        is_directory = entry.is_dir(follow_symlinks=False)
        if is_directory and os.path.isdir(to) and not os.path.islink(to):
            merge(entry.path, to, places, inside)
            os.chown(to, found.st_uid, found.st_gid)
            os.chmod(to, stat.S_IMODE(found.st_mode))
            continue
        if os.path.isdir(to) and not os.path.islink(to):
            shutil.rmtree(to)
        elif os.path.lexists(to):
            os.unlink(to)
        if stat.S_ISCHR(found.st_mode) and found.st_rdev == 0:
            # overlayfs's mark of what was removed.
            os.unlink(entry.path)
        else:
            shutil.move(entry.path, to)


def take_over(places):
    """Brings what earlier containers wrote into the volumes that are in its place now."""
    if not os.path.isdir(KEPT):
        return
    # podman mounts the layers' directory upon itself, and nothing can be moved from one mount to another.
    os.makedirs(STORE_VIEW, 0o700, exist_ok=True)
    subprocess.run(['mount', '--bind', STORE, STORE_VIEW], check=True)
    try:
        for layer in sorted(os.listdir(KEPT)):
            for path in sorted(places, key=len, reverse=True):
                source = KEPT.replace(STORE, STORE_VIEW) + f'/{layer}{path}'
                if os.path.isdir(source) and os.path.realpath(source) == source:
                    merge(source, data_of(places[path]).replace(STORE, STORE_VIEW), places, path)
    finally:
        subprocess.run(['umount', STORE_VIEW], check=True)
    os.sync()
    shutil.rmtree(KEPT)


def give(top, former, owner):
    """Gives what was others' to a user. The top comes last: until then it shows whose it was."""
    uids, gids = ({ids[index] for ids in former} for index in range(2))

    def hand(path):
        found = os.lstat(path)
        if found.st_uid in uids:
            os.lchown(path, owner[0], owner[1] if found.st_gid in gids else -1)

    directories = [top]
    for directory in directories:
        with os.scandir(directory) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    directories.append(entry.path)
                else:
                    hand(entry.path)
    for directory in reversed(directories):
        hand(directory)


def own(name, owner):
    """
    Leaves a volume to the container's user, whoever it was made for, once: what became another's since stays so, as
    what an entry point that runs as root gives away.
    """
    found, note = os.stat(data_of(name)), noted(name)
    top = (found.st_uid, found.st_gid)
    # Without a note it is of an earlier version. Whose its top is tells for whom that was, but of root's nothing.
    former = note or (top if owner[0] != 0 else owner)
    if former[0] != owner[0]:
        give(data_of(name), {former, top}, owner)
    if note != owner:
        write_note(name, owner)


def make_directories(place, owner):
    if not os.path.lexists(place):
        make_directories(os.path.dirname(place), owner)
        os.makedirs(place + '.berth-new', 0o755, exist_ok=True)
        os.lchown(place + '.berth-new', *owner)
        os.rename(place + '.berth-new', place)


def files_of(words):
    """Places of the files that the runtime mounts."""
    targets = [re.fullmatch(r'--mount=type=bind,.*destination=([^,]+),.*', word) for word in words]
    return [target.group(1) for target in targets if target]


def parents_of_files(words, places):
    """Directories in volumes that the runtime would make as root's, on the way to a file that it mounts there."""
    for directory in {os.path.dirname(path) for path in files_of(words)}:
        around = max((path for path in places if is_within(directory, path)), key=len, default=directory)
        if directory != around:
            yield places[around], directory[len(around):]


def prepare(words):
    """@returns the words with the volume for the home of the image's user."""
    # Each option is one word.
    at = next(index for index in range(3, len(words)) if not words[index].startswith('--'))
    image = Image(words[at])
    user = image.user()
    if not user:
        # podman says why.
        return words
    owner = user[:2]
    places = volumes_of(words[:at])
    home = None
    if HOME_OF_IMAGE not in words[:at]:
        home = home_of(image, words[:at], user, places, files_of(words[:at]))
    if home:
        places[home] = HOME_VOLUME
        words = [*words[:at], f'--volume={HOME_VOLUME}:{home}', *words[at:]]
        at += 1
    parents = list(parents_of_files(words[:at], places))
    if os.path.isdir(KEPT):
        # None may write any more to what is moved.
        engine('rm', '--force', '--ignore', 'berth-application')
    new = [name for name in places.values() if is_to_be_seeded(name)]
    if new:
        seed(new, words, at, places)
    take_over(places)
    for name in places.values():
        own(name, owner)
    for name, directory in parents:
        make_directories(data_of(name) + directory, owner)
    return words


def start(command):
    try:
        words = prepare(json.loads(read(command)))
        os.execv(words[0], words)
    except EngineFailed as error:
        say = str(error)
    except Exception as error:  # pylint: disable=broad-except
        traceback.print_exc()
        why = getattr(error, 'strerror', None) or str(error) or type(error).__name__
        say = f'what the application keeps could not be made ready: {why}'
    print('Error:', ' '.join(say.split()), file=sys.stderr)
    sys.exit(NO_CONTAINER)


def ended(unit):
    """
    It lasted from when podman told of it, by READY and by conmon as the main process, to conmon's end. That comes a
    little late, once podman has removed the container; the rest of podman's own time does not count.
    """
    names = ['ExecMainStartTimestampMonotonic', 'ActiveEnterTimestampMonotonic', 'ExecMainExitTimestampMonotonic']
    show = ['systemctl', 'show', '--property=' + ','.join(names), unit]
    shown = subprocess.run(show, stdout=subprocess.PIPE, text=True, check=True).stdout
    microseconds = dict(re.findall(r'^(\w+)=(\d+)$', shown, re.MULTILINE))
    *began, exited = (int(microseconds.get(name, 0)) for name in names)
    if os.environ.get('SERVICE_RESULT') == 'success' and exited - max(began) >= ORDERLY_SECONDS * 1_000_000:
        # systemd counts starts, whatever the ends between them were like.
        subprocess.run(['systemctl', 'reset-failed', unit], check=True)


{'start': start, 'ended': ended}[sys.argv[1]](sys.argv[2])
