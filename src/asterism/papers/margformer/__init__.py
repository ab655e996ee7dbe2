"""MargFormer's paper: its three experiments, MargNet's and our models beside it, leaks counted and closed.

`published` holds the figures to stand beside, `experiments` what is trained on what and tested where, `methods` who takes
part and with which settings, `rows` the rows of the table, `runner` makes them, `results` puts them together.
"""

from asterism.papers.margformer.runner import reproduce

__all__ = ["reproduce"]
