"""Objects at rest: what a catalog is, how it is written, read, split, streamed and exported.

`bands` and `schema` say what columns mean; `outputs` keeps half-written things apart from whole ones; `write` and
`hats_layout` make a catalog, `catalog` opens one; `sources` says which rows are the same source; `fingerprint` names
a content; `metadata` puts back what other writers drop; `astropy_tables` and `export` hand tables to other tools;
`quantization` rounds pixels to their noise; `where`, `splits`, `leaks`, `roles`, `cache` and `stream` choose rows and
columns and turn them into tensors.
"""
