@pending
Feature: What has no scenarios yet
  A row counts as passed only when all of it is covered. Each of these goes when its scenarios come.

  @row-12
  Scenario: A template is made of a snapshot that only secondary storage has
    Given the scenarios of this are pending: the management server does not convert backups on secondary storage yet

  @row-18
  Scenario: A volume moves between StorPool and other storage
    Given the scenarios of this are pending: the management server does not move volumes to and from other storage yet

  @row-18
  Scenario: A VM moves to another host with its volumes
    Given the scenarios of this are pending: the management server does not move a VM with its volumes yet
