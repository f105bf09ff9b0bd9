"""The adversary's suite: `rows` names each attack that was tried, its kind, and the tests that hold it; `test_attacks`
plays those that go from end to end."""
