"""The platform's only writer of readings: receive, decode, check, batch, COPY, commit, acknowledge.

`receiving` has the ways in, `checking` says what is accepted, `writing` commits it, `following` watches the gateways'
streams; `accounting` derives consumption, standard coal and CO2 from what is stored. Of our packages only `energy` is
imported.
"""
