# The main command of berth-application.service, which runs in the guest as root. `start COMMAND`: sees to it that what
# the application makes in its home and in its volumes outlives the container and is its user's, and becomes podman
# with the words in COMMAND. `ended UNIT`: after an orderly end, forgets the ends before it.
import base64
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import time

STORE = '/var/lib/containers/storage'
VOLUMES = STORE + '/volumes'
# For whom each volume was made: UID:GID, in a file of the volume's name.
OWNERS = STORE + '/berth-owners'
# What containers wrote that had not all of their volumes yet, the oldest first (apply-application.py).
KEPT = STORE + '/overlay/berth-kept'
IMAGES = '/var/lib/berth/images'
STORE_VIEW = '/run/berth-store'
STARTED = '/run/berth-application.started'
PODMAN = ['/usr/bin/podman', '--events-backend=none']
HOME_VOLUME = 'berth.home'
HOME_OF_IMAGE = '--label=berth.home=image'
# An application that ends sooner than that has not done anything for its user.
ORDERLY_SECONDS = 5


def read(path):
    with open(path, encoding='utf-8', errors='replace') as file:
        return file.read()


class Image:
    """An image as the machine's container disk holds it (containers/storage, driver overlay)."""

    def __init__(self, image_id):
        images = {image['id']: image for image in json.loads(read(IMAGES + '/overlay-images/images.json'))}
        layers = {layer['id']: layer for layer in json.loads(read(IMAGES + '/overlay-layers/layers.json'))}
        name = base64.b64encode(f'sha256:{image_id}'.encode()).decode()
        self.config = json.loads(read(f'{IMAGES}/overlay-images/{image_id}/={name}')).get('config') or {}
        self.layers = []
        layer = images[image_id].get('layer')
        while layer:
            self.layers.append(f'{IMAGES}/overlay/{layer}/diff')
            layer = layers[layer].get('parent')

    def find(self, path):
        """Where a path of the image lies; None where it is not there, or not without a link on the way."""
        for layer in self.layers:
            place = layer
            for part in path.strip('/').split('/'):
                place += '/' + part
                try:
                    mode = os.lstat(place).st_mode
                except (FileNotFoundError, NotADirectoryError):
                    break
                if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
                    return None
            else:
                return place
        return None

    def lines(self, path):
        place = self.find(path)
        return [line.split(':') for line in read(place).splitlines()] if place else []

    def user(self):
        """The user that containers run as: uid, gid and home, as podman looks them up; None where there is none such."""
        name, _, group = (self.config.get('User') or '0').partition(':')
        passwd = next((it for it in self.lines('/etc/passwd') if len(it) > 5 and name in (it[0], it[2])), None)
        uid, gid, home = (passwd[2], passwd[3], passwd[5]) if passwd else (name, '0', '/')
        if group:
            gid = next((it[2] for it in self.lines('/etc/group') if len(it) > 2 and group == it[0]), group)
        return (int(uid), int(gid), home) if uid.isdigit() and gid.isdigit() else None


def home_of(image, words, user):
    """The home of the container's user; None where there is none to keep: it could not write there."""
    uid, gid, home = user
    given = [entry[5:] for entry in image.config.get('Env') or [] if entry.startswith('HOME=')]
    given += [word[11:] for word in words if word.startswith('--env=HOME=')]
    home = os.path.normpath(given[-1] if given else home)
    if not re.fullmatch(r'(/[A-Za-z0-9._-]+)+', home) or re.match(r'/(proc|sys|dev|run|tmp)(/|$)', home):
        return None
    place = image.find(home)
    if not place or not os.path.isdir(place):
        return None
    found = os.stat(place)
    mode = stat.S_IMODE(found.st_mode)
    writable = uid in (0, found.st_uid) or (mode & 0o020 and gid == found.st_gid) or mode & 0o002
    return home if writable else None


def is_within(path, directory):
    return path == directory or path.startswith(directory + '/')


def volumes_of(words):
    """Names of volumes by their place in the container."""
    pairs = [re.fullmatch(r'--volume=([^:/]+):([^:]+)', word) for word in words]
    return {pair.group(2): pair.group(1) for pair in pairs if pair}


def data_of(name):
    return f'{VOLUMES}/{name}/_data'


def seed(names, image_id, volumes):
    """Has podman make volumes with what the image has in their place, as it does for a container that starts."""
    options = [f'--volume={name}:{path}' for path, name in volumes.items() if name in names]
    run = [*PODMAN, 'create', '--name=berth-seed', '--replace', '--pull=never', '--network=none', *options, image_id]
    for command in (run, [*PODMAN, 'init', 'berth-seed'], [*PODMAN, 'rm', '--force', 'berth-seed']):
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


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


def give(top, old, new):
    """Gives what was one user's to another."""
    for directory, names, files in os.walk(top):
        for path in [directory, *[os.path.join(directory, name) for name in names + files]]:
            found = os.lstat(path)
            if found.st_uid == old[0]:
                os.lchown(path, new[0], new[1] if found.st_gid == old[1] else -1)


def own(name, owner):
    """Leaves a volume to the container's user, whoever it was made for."""
    note, data = f'{OWNERS}/{name}', data_of(name)
    if os.path.isdir(data):
        if os.path.exists(note):
            former = tuple(map(int, read(note).split(':')))
        else:
            former = (os.stat(data).st_uid, os.stat(data).st_gid)
        if former[0] != owner[0]:
            give(data, former, owner)
    os.makedirs(OWNERS, 0o700, exist_ok=True)
    with open(note + '.new', 'w', encoding='utf-8') as file:
        file.write(f'{owner[0]}:{owner[1]}')
    os.rename(note + '.new', note)


def make_directories(place, owner):
    if not os.path.lexists(place):
        make_directories(os.path.dirname(place), owner)
        os.mkdir(place, 0o755)
        os.lchown(place, *owner)


def parents_of_files(words, places):
    """Directories in volumes that the runtime would make as root's, on the way to a file that it mounts there."""
    targets = [re.fullmatch(r'--mount=type=bind,.*destination=([^,]+),.*', word) for word in words]
    for directory in {os.path.dirname(target.group(1)) for target in targets if target}:
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
    home = None if HOME_OF_IMAGE in words[:at] else home_of(image, words[:at], user)
    if home and not any(is_within(home, path) for path in places):
        places[home] = HOME_VOLUME
        words = [*words[:at], f'--volume={HOME_VOLUME}:{home}', *words[at:]]
        at += 1
    parents = list(parents_of_files(words[:at], places))
    if os.path.isdir(KEPT):
        # None may write any more to what is moved.
        subprocess.run([*PODMAN, 'rm', '--force', '--ignore', 'berth-application'], stdout=subprocess.DEVNULL, check=True)
    missing = {name for name in places.values() if not os.path.isdir(data_of(name))}
    if missing and (os.path.isdir(KEPT) or any(name in missing for name, _ in parents)):
        seed(missing, words[at], places)
    take_over(places)
    for name in places.values():
        own(name, owner)
    for name, directory in parents:
        make_directories(data_of(name) + directory, owner)
    return words


def start(command):
    try:
        words = prepare(json.loads(read(command)))
    except (OSError, ValueError, LookupError, shutil.Error, subprocess.SubprocessError) as error:
        sys.exit(f'what the application keeps could not be made ready: {error}')
    with open(STARTED, 'w', encoding='utf-8') as file:
        file.write(str(time.monotonic()))
    os.execv(words[0], words)


def ended(unit):
    try:
        lasted = time.monotonic() - float(read(STARTED))
    except (OSError, ValueError):
        return
    if os.environ.get('SERVICE_RESULT') == 'success' and lasted >= ORDERLY_SECONDS:
        # systemd counts starts, whatever the ends between them were like.
        subprocess.run(['systemctl', 'reset-failed', unit], check=True)


{'start': start, 'ended': ended}[sys.argv[1]](sys.argv[2])
