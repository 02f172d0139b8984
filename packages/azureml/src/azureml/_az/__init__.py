"""An ``az`` for old scripts: Moorage answers ``az ml ...``, the Azure CLI the rest if it is there."""
