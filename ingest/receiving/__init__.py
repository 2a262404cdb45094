"""The ways in. `carrier` is their contract with the pipeline, `intake` and `batcher` gather what they bring."""
