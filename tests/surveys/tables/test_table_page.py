import numpy as np
import pyarrow as pa

from asterism.surveys.tables.table_binary import FitsTable, ParquetTable
from asterism.surveys.tables.table_page import Page, TableSource
from asterism.surveys.tables.table_text import CsvTable, WhitespaceTable


def test_a_page_keeps_cells_with_the_numbers_of_their_rows():
    page = Page({"a": pa.array(["1", "2"])}, np.array([1, 3]), 0.5)
    assert len(page.columns["a"]) == len(page.rows)


def test_all_readers_give_pages():
    for reader in (CsvTable, WhitespaceTable, FitsTable, ParquetTable):
        assert callable(reader.pages)
    assert "pages" in dir(TableSource)
