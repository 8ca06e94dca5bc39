# What the guest's programs know of the image that its application's container is made from. Runs in the guest as root.
import base64
import json
import os
import re
import stat

IMAGES = '/var/lib/berth/images'
# As many as the kernel follows.
MAX_LINKS = 40


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

    def place(self, parts):
        """Where the uppermost of the layers has a path, on which there is no link; None where none has it."""
        layers, place = self.layers, None
        for at in range(1, len(parts) + 1):
            beneath, place = [], None
            for layer in layers:
                here = '/'.join([layer, *parts[:at]])
                try:
                    mode = os.lstat(here).st_mode
                except OSError:
                    # It is not there, or no name can be that long.
                    continue
                place = place or here
                if not stat.S_ISDIR(mode):
                    # It hides what the layers below it have there.
                    break
                beneath.append(layer)
            layers = beneath
        return place

    def resolve(self, path):
        """
        Follows the links of a path inside the image, as they are in a container: the path without any, and where that
        lies; None where there is neither a directory nor a file.
        """
        done, rest, links = [], path.split('/')[::-1], 0
        while rest:
            part = rest.pop()
            if part == '..':
                done = done[:-1]
            if part in ('', '.', '..'):
                continue
            place = self.place([*done, part])
            mode = os.lstat(place).st_mode if place else 0
            if stat.S_ISLNK(mode) and links < MAX_LINKS:
                links += 1
                target = os.readlink(place)
                done = [] if target.startswith('/') else done
                rest += target.split('/')[::-1]
            elif stat.S_ISDIR(mode) or (stat.S_ISREG(mode) and not rest):
                done.append(part)
            else:
                return None
        return ('/' + '/'.join(done), self.place(done)) if done else None

    def lines(self, path):
        found = self.resolve(path)
        return [line.split(':') for line in read(found[1]).splitlines()] if found and os.path.isfile(found[1]) else []

    def user(self):
        """The user that containers run as: uid, gid and home, as podman looks them up; None where there is none."""
        name, _, group = (self.config.get('User') or '0').partition(':')
        passwd = next((it for it in self.lines('/etc/passwd') if len(it) > 5 and name in (it[0], it[2])), None)
        uid, gid, home = (passwd[2], passwd[3], passwd[5]) if passwd else (name, '0', '/')
        if group:
            gid = next((it[2] for it in self.lines('/etc/group') if len(it) > 2 and group == it[0]), group)
        return (int(uid), int(gid), home) if uid.isdigit() and gid.isdigit() else None


def is_within(path, directory):
    return path == directory or path.startswith(directory + '/')


def home_of(image, words, user, places, files):
    """
    The home of the container's user; None where there is none to keep: it could not write there, or it is kept already.
    @param places of volumes
    @param files that are mounted
    """
    uid, gid, home = user
    given = [entry[5:] for entry in image.config.get('Env') or [] if entry.startswith('HOME=')]
    given += [word[11:] for word in words if word.startswith('--env=HOME=')]
    named = os.path.normpath(given[-1] if given else home)
    resolved = image.resolve(named) if named.startswith('/') else None
    if not resolved or not os.path.isdir(resolved[1]):
        return None
    # podman takes the owner of what it mounts a volume upon from the link, not from what that leads to.
    home, place = resolved
    if not re.fullmatch(r'(/[A-Za-z0-9._-]+)+', home) or re.match(r'/(proc|sys|dev|run|tmp)(/|$)', home):
        return None
    if any(is_within(home, path) or is_within(named, path) for path in places):
        return None
    if home != named and any(is_within(path, named) for path in [*places, *files]):
        # By their other name, a volume here might be mounted over them.
        return None
    found = os.stat(place)
    mode = stat.S_IMODE(found.st_mode)
    writable = uid in (0, found.st_uid) or (mode & 0o020 and gid == found.st_gid) or mode & 0o002
    return home if writable else None
