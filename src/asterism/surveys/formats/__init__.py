"""How surveys lay out their files and pixels, shared by what reads them and what writes them."""
