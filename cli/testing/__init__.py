"""The pytest plugin for people who test their own programs with an emulated card (docs/testing.md)."""
