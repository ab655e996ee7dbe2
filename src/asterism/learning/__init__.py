"""What a model is trained for and how: from a catalog to a run.

`train` is the verb. `config` holds its settings; `training_set` chooses objects and guards against leaks;
`classification` is the task; `augment` changes training objects; `estimate` says beforehand how long; `fit` finds the
weights, with `run_state` to continue from and `progress` to watch; `calibrate` makes the answers honest; `baselines` and
`baseline_set` are what a user would otherwise pick; `metrics` and `intervals` say how good answers are.
"""
