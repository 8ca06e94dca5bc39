# Sourced by the scripts that write into the checkout, with $root set.

# Root may work in another user's checkout, as with sudo: what it makes there is handed to that user, who could neither
# change nor remove it otherwise. What the user has made already is left alone.
give_to_owner() {
  [ "$(id -u)" -eq 0 ] || return 0
  checkout_owner=$(stat -c %u:%g "$root")
  [ "${checkout_owner%%:*}" -ne 0 ] || return 0
  for made in "$root/.berth" "$root/node_modules"; do
    [ -d "$made" ] && [ ! -L "$made" ] || continue
    find "$made" -xdev -uid 0 -exec chown -h "$checkout_owner" {} + 2>/dev/null || true
  done
}

# npm_of COMMAND: the words that make root run this npm command, sudo having a PATH of its own.
sudo_npm() {
  if env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin sh -c 'command -v npm' >/dev/null; then
    echo "sudo npm $*"
  else
    echo "sudo env \"PATH=\$PATH\" npm $*"
  fi
}
