"""A service whose work is done in a container: this process holds the socket and hands requests on."""
