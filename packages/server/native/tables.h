#ifndef MOORAGE_TABLES_H
#define MOORAGE_TABLES_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

extern const char parse_table_doc[];
PyObject *parse_table(PyObject *module, PyObject *arguments);

#endif
