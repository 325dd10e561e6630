@echo off
rem Finds a Python that is new enough and hands over to bootstrap.py, which does everything else.
setlocal
for %%P in ("py -3" python3 python) do (
    %%~P -c "import sys; sys.exit(sys.version_info < (3, 11))" >nul 2>&1 && set "PYTHON=%%~P" && goto found
)
echo Underpin needs Python 3.11 or newer and found none: install one from https://www.python.org/downloads/ and start again. 1>&2
exit /b 1
:found
%PYTHON% "%~dp0bootstrap.py" %*
exit /b %ERRORLEVEL%
