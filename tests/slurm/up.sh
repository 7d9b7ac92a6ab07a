#!/usr/bin/env bash
# A throw-away SLURM on this host: loopback only, no systemd, no cgroups, no database, made-up GPUs.
#   eval "$(tests/slurm/up.sh STATE_FOLDER [NODES])"     returns when every node is idle; down.sh STATE_FOLDER ends it
# Needs root and: apt-get install --no-install-recommends slurm-wlm slurm-client munge
set -euo pipefail
mkdir -p "$1"
state=$(cd "$1" && pwd)
nodes=${2:-2}
host=$(hostname -s)
cpus=${SLURM_CPUS:-8} # of a node; more cores and memory than there are, as nothing here enforces them
memory=${SLURM_MEMORY_MB:-64000}
gpus=${SLURM_GPUS_PER_NODE:-1}
port=${SLURM_BASE_PORT:-16817}
export PATH=$PATH:/usr/sbin

mkdir -p "$state"/{controller,munge,bin}
chmod 0755 "$state" "$state/munge"
[ -f "$state/munge/munge.key" ] || (umask 077 && head -c 1024 /dev/urandom >"$state/munge/munge.key")

each_node() { for i in $(seq "$nodes"); do "$@" "$i"; done; }
node_line() {
  echo "NodeName=n$1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + $1)) CPUs=$cpus RealMemory=$memory Gres=gpu:fake:$gpus"
}

# MinJobAge: squeue remembers ended jobs, as Snakemake asks it how they ended. Records of what ran where: jobcomp.log has
# every job, tasks.log every task with the GPUs that it sees. A requeued job waits for cred_expire.
cat >"$state/slurm.conf" <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$state/munge/munge.socket,cred_expire=${SLURM_CRED_EXPIRE:-120}
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation=$state/controller
SlurmdSpoolDir=$state/spool.%n
SlurmctldPidFile=$state/slurmctld.pid
SlurmdPidFile=$state/slurmd.%n.pid
SlurmctldLogFile=$state/slurmctld.log
SlurmdLogFile=$state/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
TaskProlog=$state/bin/task_prolog
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1,defer_batch
GresTypes=gpu
JobCompType=jobcomp/filetxt
JobCompLoc=$state/jobcomp.log
MinJobAge=3600
DefMemPerCPU=1000
KillWait=${SLURM_KILL_WAIT:-5}
OverTimeLimit=0
SlurmdTimeout=${SLURM_NODE_TIMEOUT:-20}
ReturnToService=2
InactiveLimit=0
SlurmdParameters=config_overrides
$(each_node node_line)
PartitionName=cpu Nodes=ALL Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes=ALL MaxTime=INFINITE State=UP
CONF

# A GPU here is a character device like /dev/null: it is counted and lent, and CUDA_VISIBLE_DEVICES is set.
: >"$state/gres.conf"
for g in $(seq 0 $((gpus - 1))); do
  [ -c "$state/gpu$g" ] || mknod "$state/gpu$g" c 1 3
  gpu_line() { echo "NodeName=n$1 Name=gpu Type=fake File=$state/gpu$g" >>"$state/gres.conf"; }
  each_node gpu_line
done

export SLURM_CONF=$state/slurm.conf
# The executor's inner srun loses SLURM_CONF with the other SLURM_ variables; a real cluster has /etc/slurm/slurm.conf.
printf '#!/bin/sh\nSLURM_CONF=%s exec %s "$@"\n' "$SLURM_CONF" "$(PATH=${PATH//$state\/bin:/} command -v srun)" >"$state/bin/srun"
printf '#!/bin/sh\necho "$SLURM_JOB_ID $SLURMD_NODENAME ${CUDA_VISIBLE_DEVICES:-none}" >>%s\n' "$state/tasks.log" >"$state/bin/task_prolog"
chmod +x "$state/bin/srun" "$state/bin/task_prolog"

alive() { [ -s "$1" ] && kill -0 "$(cat "$1")" 2>/dev/null; }
until_true() { # TENTHS COMMAND...
  for _ in $(seq "$1"); do
    if "${@:2}"; then return 0; fi
    sleep 0.1
  done
  return 1
}
controller_answers() { timeout 2 scontrol ping 2>/dev/null | grep -q UP; }
all_idle() { [ "$(timeout 2 sinfo -h -N -p cpu -t idle -o %N 2>/dev/null | wc -l)" -eq "$nodes" ]; }
start_node() { alive "$state/slurmd.n$1.pid" || slurmd -N "n$1" >&2; }

alive "$state/munge/munged.pid" || munged --force --key-file="$state/munge/munge.key" \
  --socket="$state/munge/munge.socket" --pid-file="$state/munge/munged.pid" --log-file="$state/munge/munged.log" \
  --seed-file="$state/munge/munge.seed" --num-threads=2 >&2
alive "$state/slurmctld.pid" || slurmctld -c -i >&2
until_true 100 controller_answers || true
each_node start_node
until_true 150 all_idle || {
  echo "SLURM did not come up:" >&2
  tail -n 20 "$state"/*.log >&2
  exit 1
}
echo "$(sinfo --version), $nodes node(s) idle; SLURM_CONF=$SLURM_CONF" >&2
echo "export SLURM_CONF='$SLURM_CONF' PATH='$state/bin':\$PATH"
