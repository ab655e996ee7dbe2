"""The road of a table: map, files, pages, cells, units, rows; photometry and dust on the way."""
