@pending
Feature: What has no scenarios yet
  A row counts as passed only when all of it is covered. Each of these goes when its scenarios come.

  @row-12
  Scenario: A template is made of a snapshot that only secondary storage has
    Given the scenarios of this are pending: the management server does not convert backups on secondary storage yet
