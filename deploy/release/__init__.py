"""The steps of the pipeline that are more than one command, as programs: the workflow calls them, the tests run them.

    python -m deploy.release COMMAND --help

They need boto3 and httpx alone (requirements/release.txt), because they run where the account's credentials are.
"""
