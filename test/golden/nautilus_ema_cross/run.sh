#!/usr/bin/env bash
# Imports the recorded data and runs the golden case; prints the report as JSON. Needs TIDEGATE_DATA.
set -euo pipefail
cd "$(dirname "$0")"
exec node --import tsx ../run.ts nautilus_ema_cross
