# What a job asks for: threads, memory, time, and what starts a training in several processes.


def of_backend(step, what, times=1):
    """A resource of a step: what the chosen backend needs, more of it after a failure."""

    def need(wildcards, attempt=1):
        chosen = getattr(CONFIG.settings(wildcards.person), step).backend
        return getattr(backends.BACKENDS[step][chosen], what) * times * attempt

    return need


def of_backends(what, usual, *steps):
    """A resource of a job that does several steps: the most that a chosen backend needs, and no less than usual."""

    def need(wildcards, attempt=1):
        wanted = (of_backend(step, what)(wildcards) for step in steps)
        return max(usual, *wanted) * attempt

    return need


def backend_threads(usual, *steps):
    """Threads of a job: the most that a chosen backend is told to take; the others take what is usual."""

    def threads(wildcards):
        chosen = [getattr(CONFIG.settings(wildcards.person), step) for step in steps]
        wanted = [
            getattr(getattr(c, c.backend, None), "threads", usual) for c in chosen
        ]
        return max(usual, *(count or workflow.cores or 1 for count in wanted))

    return threads


def training_threads(section):
    """Threads of a training rule: as many as the setting says, else all cores it can get."""

    def threads(wildcards):
        chosen = CONFIG.settings(wildcards.person)
        models = architectures.model_settings(chosen)
        return getattr(models, section).training.threads or workflow.cores or 1

    return threads


def launch(wildcards, threads, resources):
    """What starts a training in several processes: srun, when the job's resources name it (docs/cluster.md)."""
    if not resources.get("mpi"):
        return ""
    nodes = resources.get("nodes", 1)
    count = f"--nodes={nodes} --ntasks={resources.tasks} --ntasks-per-node={resources.tasks // nodes}"
    # What the job's batch script knows of its cores does not reach a rule.
    return f"{resources.mpi} {count} --cpus-per-task={threads} --kill-on-bad-exit"
