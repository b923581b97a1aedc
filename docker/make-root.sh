#!/bin/sh
# make-root.sh INSTALLED ROOT EPOCH: makes the root file system of the image from what cmake has
# installed: the programs, the libraries that they load, certificates, and folders for a user without
# rights. Each file gets the time EPOCH.
set -eu
installed=$1 root=$2 epoch=$3

# Programs and libraries have one folder each, as in Debian 12.
mkdir -p "$root/usr/bin" "$root/usr/sbin" "$root/usr/lib" "$root/usr/lib64"
ln -s usr/bin usr/sbin usr/lib usr/lib64 "$root"
cp -a "$installed/usr/." "$root/usr/"
rm -rf "$root"/usr/share/man "$root"/usr/local/share/man

# With the path that the loader looks for, and the copyright of the package it comes from.
find "$installed" -path "*/sbin/*" -exec ldd {} + | awk '$2 == "=>" { print $3 } $1 ~ "^/.*ld-linux" { print $1 }' |
  sort -u | while read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
    package=$(dpkg-query -S "$(readlink -f "$library")" "$library" 2>/dev/null | head -n 1 | cut -d: -f1)
    mkdir -p "$root/usr/share/doc/$package"
    cp -L "/usr/share/doc/$package/copyright" "$root/usr/share/doc/$package/"
  done

mkdir -p "$root/etc/ssl/certs" "$root/usr/lib/ssl" "$root/etc/gslbd" "$root/run/gslbd" \
  "$root/var/lib/gslbd" "$root/usr/share/doc/gslbd"
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
cp -L /etc/ssl/openssl.cnf "$root/etc/ssl/"
ln -s /etc/ssl/certs /etc/ssl/openssl.cnf "$root/usr/lib/ssl/"
ln -s /etc/ssl/certs/ca-certificates.crt "$root/usr/lib/ssl/cert.pem"
cp LICENSE "$root/usr/share/doc/gslbd/"
cp /etc/debian_version "$root/etc/"
printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
printf 'root:x:0:0:root:/:/nonexistent\ngslbd:x:65532:65532:gslbd:/var/lib/gslbd:/nonexistent\n' \
  >"$root/etc/passwd"
printf 'root:x:0:\ngslbd:x:65532:\n' >"$root/etc/group"

chown -R 0:0 "$root"
chown 65532:65532 "$root/run/gslbd" "$root/var/lib/gslbd"
chmod 750 "$root/run/gslbd" "$root/var/lib/gslbd"
find "$root" -exec touch --no-dereference --date="@$epoch" {} +
