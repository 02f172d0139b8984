"""``python -m moorage.cli`` is ``moor``."""

from moorage.cli.main import main

if __name__ == "__main__":
    main()
