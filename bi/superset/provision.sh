#!/usr/bin/env bash
# Make or bring up to date Superset's own database, its administrator and the assets beside this file.
# Can be run again at any time: assets are put in the place of those with the same uuid.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
for name in SUPERSET_SECRET_KEY SUPERSET_METADATA_URI SUPERSET_ADMIN_PASSWORD AME_READER_URI; do
    if [ -z "${!name:-}" ]; then
        echo "provision.sh: set $name (see docs/bi.md, section Superset)" >&2
        exit 2
    fi
done
export SUPERSET_CONFIG_PATH="${SUPERSET_CONFIG_PATH:-$here/superset_config.py}"

superset db upgrade
superset init
superset fab create-admin --username admin --firstname AME --lastname Admin --email admin@localhost \
    --password "$SUPERSET_ADMIN_PASSWORD" # says that the user is there already, at every later time
superset fab reset-password --username admin --password "$SUPERSET_ADMIN_PASSWORD"

python "$here/import_assets.py"
echo "Superset has the dashboard: /superset/dashboard/kommunal-arbetsmarknad/"
