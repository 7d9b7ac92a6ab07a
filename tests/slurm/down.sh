#!/usr/bin/env bash
# Ends what up.sh STATE_FOLDER started: its jobs first, then its daemons, each by its own process id.
set -uo pipefail
[ -d "$1" ] || exit 0
state=$(cd "$1" && pwd)
export SLURM_CONF=$state/slurm.conf
timeout 5 scancel --user="$(id -un)" 2>/dev/null
nothing_runs() { [ -z "$(timeout 2 squeue -h 2>/dev/null)" ]; }
for _ in $(seq 100); do
  nothing_runs && break
  sleep 0.1
done
for file in "$state"/slurmd.*.pid "$state/slurmctld.pid" "$state/munge/munged.pid"; do
  [ -s "$file" ] || continue
  daemon=$(cat "$file")
  kill "$daemon" 2>/dev/null
  for _ in $(seq 50); do
    kill -0 "$daemon" 2>/dev/null || break
    sleep 0.1
  done
  kill -9 "$daemon" 2>/dev/null
  rm -f "$file"
done
exit 0
