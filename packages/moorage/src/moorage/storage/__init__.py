"""Rows, files, transactions, migrations. Knows bytes and tables, not models or services.

To add a table: describe it in `tables` and add ``migrations/versions/NNNN_title.py`` (revision "NNNN", the
next number); it is there at the next `Database.open`, in every workspace. Read inside
``with database.read() as connection``, change inside ``with database.write() as connection``
(one transaction, taken for writing from its beginning).
"""

from moorage.storage.blobs import Blobs, StoredBlob, open_blobs
from moorage.storage.database import Database

__all__ = ["Blobs", "Database", "StoredBlob", "open_blobs"]
