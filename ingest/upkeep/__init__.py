"""Upkeep of the storage: chunk intervals, what is dropped when its time is over, and what the edition can do itself.

Pure: `interval`, the law of the chunk interval. Those that touch the database: `edition`, `chunks`, `retention`,
`policies`, `records`, put together by `steps` and run by `service`. May import `energy`.
"""
