"""What the supervisor of a service is made of; ``python -m moorage_server.supervisor`` runs it.

Standard library only. The control plane uses :mod:`.lock`, :mod:`.files` and :mod:`.records`
to see what a supervisor is doing and to tell it what it should do.
"""
