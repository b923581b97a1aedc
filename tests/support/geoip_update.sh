#!/usr/bin/env bash
# geoip_update.sh GSLBD: replaces data/geo/country.mmdb by the newest one of npm, once gslbd takes it.
set -euo pipefail
gslbd=$1
registry=${NPM_CONFIG_REGISTRY:-https://registry.npmjs.org}
package=@ip-location-db/geo-whois-asn-country-mmdb
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

description=$(curl -fsSL --max-time 60 "${registry%/}/$package/latest")
# The first string member of that name, whatever its object.
field() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" <<<"${description//,/$'\n'}" | head -n 1; }
version=$(field version)
[[ -n $version ]] || {
  echo "geoip-update: the registry's answer names no version" >&2
  exit 1
}
[[ $(field license) == CC0-1.0 ]] || {
  echo "geoip-update: the licence of $package is now $(field license); look at it first" >&2
  exit 1
}
curl -fsSL --max-time 300 "$(field tarball)" | tar -xz -C "$folder"

cat >"$folder/check.toml" <<'TOML'
[server]
geoip = "package/geo-whois-asn-country.mmdb"

[zone."gslb.example.com"]
nameservers = { "ns1.gslb.example.com" = ["192.0.2.53"] }

[endpoint.site]
addresses = ["192.0.2.1"]

[profile.site]
name = "site.gslb.example.com"
method = "priority"
endpoints = [{ endpoint = "site" }]
TOML
"$gslbd" --check --config "$folder/check.toml"

install -m 644 "$folder/package/geo-whois-asn-country.mmdb" data/geo/country.mmdb
sed -i "s/^- Version: .*/- Version: $version/" data/geo/README.md
echo "data/geo/country.mmdb is now version $version"
