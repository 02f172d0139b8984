"""How fast Moorage is, beside other model servers on the same machine in the same run.

    python -m benchmarks              all servers, all workloads, three rounds
    python -m benchmarks --quick      about a minute
    BENCH_PEERS=azureml,fastapi python -m benchmarks

``servers/`` holds a file for each server; ``workloads.py`` what they are asked; ``apps/`` the code that
runs inside them, in environments of their own under ``.cache/peers``.
"""
