"""The platform's only writer of readings: receive, decode, check, batch, COPY, commit, acknowledge.

`accounting` derives consumption, standard coal and CO2 from what is stored. Of our packages only `energy` is imported.
"""
