# Serves /app with nginx on PORT; `--check` only tries the configuration.
set -eu
config=$(mktemp -d)/nginx.conf
sed "s/listen 5000;/listen ${PORT:-5000};/" /app/.paas/nginx.conf >"$config"
if [ "${1:-}" = --check ]; then
  exec nginx -q -t -e stderr -c "$config"
fi
exec nginx -e stderr -c "$config"
