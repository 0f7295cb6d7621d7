"""Each step of the pipeline that is more than one command is a program: the workflow calls it, and the tests run it.

    python -m deploy.release COMMAND --help

The steps need only boto3 and httpx (requirements/release.txt), because they run where the account's credentials are.
"""
