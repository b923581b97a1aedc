#!/usr/bin/env bash
# base.sh IMAGE: makes an image of Debian 12 from packages alone, where none can be pulled. It takes
# them from where this machine does, if that is a Debian 12, too.
set -euo pipefail
image=$1

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
debootstrap --variant=minbase bookworm "$folder" >"$folder.log" 2>&1 || {
  tail -n 20 "$folder.log" >&2
  exit 1
}
rm "$folder.log"
# shellcheck disable=SC1091  # Each system has its own.
if [[ $(. /etc/os-release && echo "${VERSION_CODENAME:-}") == bookworm ]]; then
  rm -f "$folder/etc/apt/sources.list"
  for sources in /etc/apt/sources.list /etc/apt/sources.list.d/debian.sources; do
    if [[ -e $sources ]]; then cp "$sources" "$folder$sources"; fi
  done
fi
# What the public slim image does without, too. Copyrights stay.
rm -rf "$folder"/var/lib/apt/lists/* "$folder"/var/cache/apt/*.bin "$folder"/var/cache/apt/archives/*.deb
find "$folder/usr/share/locale" -mindepth 1 -maxdepth 1 -exec rm -rf {} +
rm -rf "$folder"/usr/share/{man,info}/*
cat >"$folder/etc/dpkg/dpkg.cfg.d/slim" <<'EOF'
path-exclude /usr/share/man/*
path-exclude /usr/share/info/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
EOF
printf '#!/bin/sh\nexit 101\n' >"$folder/usr/sbin/policy-rc.d"
chmod +x "$folder/usr/sbin/policy-rc.d"
tar -C "$folder" -c . | docker import --change 'CMD ["bash"]' - "$image" >/dev/null
echo "made $image"
