#!/usr/bin/env bash
# Probes 10,000 endpoints each 10 s at an nginx on this host, and measures what it costs: CPU, memory,
# how late probes start, and what UDP answers notice of it.
#
#   ten_thousand.sh BUILD [ENDPOINTS [SECONDS [KIND]]]
#
# KIND is sstp (GET over TLS, the default), tls (a handshake alone) or tcp (a connection alone).
set -euo pipefail

build=$1
endpoints=${2:-10000}
seconds=${3:-60}
kind=${4:-sstp}
case $kind in
  sstp) monitor=$'preset = "sstp"\nhost = "vpn.example.com"\nca_file = "site.pem"' ;;
  tls) monitor=$'protocol = "tcp"\ntls = true\nhost = "vpn.example.com"\nca_file = "site.pem"' ;;
  tcp) monitor='protocol = "tcp"' ;;
  *)
    echo "unknown kind $kind" >&2
    exit 2
    ;;
esac
folder=$(mktemp -d)
pids=()
finish() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait || true
  rm -rf "$folder"
}
trap finish EXIT

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
  -subj /CN=vpn.example.com -addext subjectAltName=DNS:vpn.example.com \
  -keyout "$folder/site.key" -out "$folder/site.pem" 2>/dev/null

# One server for all of 127.0.0.0/8.
cat >"$folder/nginx.conf" <<NGINX
daemon off;
pid $folder/nginx.pid;
error_log stderr crit;
worker_processes 1;
events { worker_connections 20000; }
http {
  access_log off;
  client_body_temp_path $folder/a; proxy_temp_path $folder/b; fastcgi_temp_path $folder/c;
  uwsgi_temp_path $folder/d; scgi_temp_path $folder/e;
  server {
    listen 14443 ssl backlog=8192;
    ssl_certificate $folder/site.pem;
    ssl_certificate_key $folder/site.key;
    location = "/sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/" { return 401; }
  }
}
NGINX

# write_config MONITORS FILE
write_config() {
  cat >"$2" <<TOML
[server]
listen = ["127.0.0.1:15353"]
workers = 1
control = "$folder/control.sock"
[zone."gslb.example.com"]
nameservers = { "ns1.gslb.example.com" = ["192.0.2.53"] }
[monitor.sstp]
$monitor
port = 14443
interval = "10s"
timeout = "5s"
TOML
  awk -v n="$endpoints" -v monitors="$1" 'BEGIN {
    for (i = 0; i < n; ++i) {
      printf "[endpoint.e%d]\naddresses = [\"127.1.%d.%d\"]\n", i, i / 250, i % 250 + 1
      if (monitors) print "monitors = [\"sstp\"]"
    }
    for (p = 0; p * 10 < n; ++p) {
      printf "[profile.p%d]\nname = \"p%d.gslb.example.com\"\nmethod = \"weighted\"\nendpoints = [", p, p
      for (i = 0; i < 10 && p * 10 + i < n; ++i) printf "{ endpoint = \"e%d\" }, ", p * 10 + i
      print "]"
    }
  }' >>"$2"
}

start_gslbd() {
  "$build/app/gslbd" --config "$1" 2>"$folder/gslbd.log" &
  gslbd=$!
  pids+=("$gslbd")
  until grep -q 'serving ' "$folder/gslbd.log"; do sleep 0.1; done
}

stop_gslbd() {
  kill "$gslbd"
  wait "$gslbd" || true
}

metric() {
  curl -s --unix-socket "$folder/control.sock" http://gslbd/metrics | awk -v name="$1" '$1 == name { print $2 }'
}

cpu_seconds() { awk -v hz="$(getconf CLK_TCK)" '{ print ($14 + $15) / hz }' "/proc/$gslbd/stat"; }
resident_mb() { awk '/VmRSS/ { print int($2 / 1024) }' "/proc/$gslbd/status"; }

ask() {
  dnsperf -s 127.0.0.1 -p 15353 -d "$folder/queries" -l "$1" -Q 2000 -c 4 2>&1 |
    awk '/Queries (sent|lost)|Average Latency/ { sub(/^ +/, ""); print "  " $0 }'
}

awk -v n="$endpoints" 'BEGIN { for (p = 0; p * 10 < n; ++p) printf "p%d.gslb.example.com A\n", p }' \
  >"$folder/queries"

nginx -c "$folder/nginx.conf" -e stderr &
pids+=("$!")

echo "UDP answers at 2000 queries a second, while nothing is probed:"
write_config 0 "$folder/idle.toml"
start_gslbd "$folder/idle.toml"
ask 10
idle_mb=$(resident_mb)
stop_gslbd

write_config 1 "$folder/probed.toml"
start_gslbd "$folder/probed.toml"
until [[ $(metric 'gslbd_probes_total{outcome="success"}') -ge $endpoints ]]; do sleep 1; done
before_cpu=$(cpu_seconds)
before_probes=$(metric 'gslbd_probes_total{outcome="success"}')
before_late=$(metric 'gslbd_probe_lateness_seconds_bucket{le="+Inf"}')
before_10ms=$(metric 'gslbd_probe_lateness_seconds_bucket{le="0.01"}')
before_100ms=$(metric 'gslbd_probe_lateness_seconds_bucket{le="0.1"}')
sleep "$seconds"
after_cpu=$(cpu_seconds)
after_probes=$(metric 'gslbd_probes_total{outcome="success"}')
failures=$(metric 'gslbd_probes_total{outcome="failure"}')
echo "$endpoints endpoints, each 10 s by $kind:"
awk -v c="$after_cpu" -v c0="$before_cpu" -v p="$after_probes" -v p0="$before_probes" -v s="$seconds" \
  -v mb="$(resident_mb)" -v idle="$idle_mb" -v f="$failures" 'BEGIN {
    printf "  %.0f probes a second, %d failed in all, %.0f %% of one core, %.2f ms of CPU for each\n",
      (p - p0) / s, f, (c - c0) / s * 100, (c - c0) / (p - p0) * 1000
    printf "  %d MB resident, %d MB without monitors\n", mb, idle
  }'
awk -v n="$(metric 'gslbd_probe_lateness_seconds_bucket{le="+Inf"}')" -v n0="$before_late" \
  -v a="$(metric 'gslbd_probe_lateness_seconds_bucket{le="0.01"}')" -v a0="$before_10ms" \
  -v b="$(metric 'gslbd_probe_lateness_seconds_bucket{le="0.1"}')" -v b0="$before_100ms" 'BEGIN {
    printf "  started within 10 ms of their time: %.2f %%, within 100 ms: %.2f %%\n",
      (a - a0) / (n - n0) * 100, (b - b0) / (n - n0) * 100
  }'
echo "UDP answers at 2000 queries a second, meanwhile:"
ask 20
