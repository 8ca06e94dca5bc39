#!/bin/sh
read -r boot < /proc/sys/kernel/random/boot_id
read -r up idle < /proc/uptime
printf 'Content-Type: text/plain\r\n\r\nhostname: %s\nboot: %s\nuptime: %s s\n' "$(hostname)" "$boot" "$up"
