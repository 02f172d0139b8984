"""What is said to a command that is not there.

A slip of the finger, a group that is out of scope, or one of the successor of the old command line, whose
commands began with ``az ml`` too.
"""

from collections.abc import Sequence

from moorage.spelling import did_you_mean

LOGIN_IS_NOT_NEEDED = "Nothing of it is needed here; leave it out."
INSTEAD = {
    "computeinstance": "Machines for notebooks are not looked after here.",
    "datastore": "Every workspace has its own store; moor dataset register keeps files and tables in it.",
    "pipeline": "Training pipelines are not run here; moor model register takes what they made.",
    "login": LOGIN_IS_NOT_NEEDED,
    "logout": LOGIN_IS_NOT_NEEDED,
    "account": LOGIN_IS_NOT_NEEDED,
    "configure": "moor folder attach -w NAME ties a folder to a workspace, MOORAGE_WORKSPACE a shell.",
}
OF_THE_SUCCESSOR = {
    "batch-deployment": "Batch endpoints are not there.",
    "batch-endpoint": "Batch endpoints are not there.",
    "component": "Training pipelines are not run here.",
    "compute": "moor computetarget list shows what is attached.",
    "data": "moor dataset register keeps files and tables.",
    "job": "Training is not run here; moor run list shows the runs that MLflow keeps.",
    "online-deployment": "moor service update puts a new model into a service.",
    "online-endpoint": "moor model deploy makes a service, moor service looks after it.",
    "schedule": "Training pipelines are not run here.",
}


def explain(name: str, known: Sequence[str]) -> str:
    """Return the message for the unknown command ``name`` of the root; ``known`` are those that are there."""
    text = f"there is no command {name!r}"
    if name in INSTEAD:
        return f"{text}. {INSTEAD[name]}"
    if name in OF_THE_SUCCESSOR:
        return f"{text}: it belongs to the successor of the old command line (v2). {OF_THE_SUCCESSOR[name]}"
    return f"{text}{did_you_mean(name, known) or '; moor --help lists all'}"
