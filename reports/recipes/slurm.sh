#!/bin/sh
# A campaign as an array of eight tasks, and a job that puts their folders together:
#
#     array=$(sbatch --parsable reports/recipes/slurm.sh)
#     sbatch --dependency=afterany:$array --wrap \
#         'stormglass merge campaign/shard-* --out campaign/whole'
#
# A task that is preempted is queued again, and goes on where it was killed.
#SBATCH --job-name=stormglass
#SBATCH --array=1-8
#SBATCH --cpus-per-task=2
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=stormglass-%a.log

${STORMGLASS:-stormglass} campaign ${SCENARIOS:-swarm reference} --seeds "${SEEDS:-0..100000}" \
    --jobs "${SLURM_CPUS_PER_TASK:-1}" \
    --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" \
    --resume "campaign/shard-$SLURM_ARRAY_TASK_ID"
code=$?
# A broken law (1) or an open question (2) is a result.
[ "$code" -le 2 ] || exit "$code"
