"""The labelled set: networks whose trouble, or lack of it, is known, and a judge of the judge.

`networks` builds paths, `faults` and `fine` say what is wrong with them or merely odd, `catalogue` draws the cases,
`player` plays one in virtual time and asks for the verdict at every round, `score` says what was right.
"""
