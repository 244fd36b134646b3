# Gathers Django's static files. As on Heroku, DISABLE_COLLECTSTATIC skips it. Settings that insist on a SECRET_KEY get
# one for this step only.
if [ -n "${DISABLE_COLLECTSTATIC:-}" ]; then
  echo "DISABLE_COLLECTSTATIC is set: collectstatic is skipped"
  exit
fi
SECRET_KEY="${SECRET_KEY:-only-for-collectstatic}" python "$1" collectstatic --noinput && exit
echo "paas: collectstatic failed: give the build what the settings need (config:set APP --build KEY=VALUE), or skip it with DISABLE_COLLECTSTATIC=1" >&2
exit 1
