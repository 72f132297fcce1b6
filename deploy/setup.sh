#!/usr/bin/env bash
# Prepares a virtual environment: deploy/setup.sh PYTHON VENV EXTRA. A second run with nothing new takes no time.
set -euo pipefail

python=$1 venv=$2 extra=$3
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$here"

fail() {
  printf '\n错误：%s\nError: %s\n' "$1" "$2" >&2
  exit 1
}

# The stamp holds what was installed from: another pyproject, constraints or extra installs again.
wanted=$(cat pyproject.toml constraints.txt deploy/setup.sh | cksum)
stamp="$venv/.livewitness-setup${extra:+-$extra}"
[ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && exit 0

command -v "$python" >/dev/null || fail \
  "找不到 $python；请安装 Python 3.11 以上，或用 make PYTHON=路径 指定。" \
  "$python was not found; install Python 3.11 or newer, or name one with make PYTHON=path."
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail \
  "$("$python" --version) 太旧；需要 Python 3.11 以上，可用 make PYTHON=python3.12 指定。" \
  "$("$python" --version) is too old; Python 3.11 or newer is needed, e.g. make PYTHON=python3.12."

if [ ! -x "$venv/bin/python" ]; then
  printf '正在创建虚拟环境 / creating the virtual environment %s\n' "$venv"
  "$python" -m venv "$venv" || fail \
    "无法创建虚拟环境；请为 $python 安装 venv 模块后再试。" \
    "The virtual environment could not be created; install the venv module of $python and try again."
fi

printf '正在安装依赖（首次约一两分钟）/ installing dependencies (a minute or two the first time)\n'
"$venv/bin/python" -m pip install --disable-pip-version-check --constraint constraints.txt \
  --editable ".${extra:+[$extra]}" || fail \
  "依赖安装失败；请检查网络或 pip 的镜像设置，然后重新运行同一命令。" \
  "Installing the dependencies failed; check the network or pip's index settings, then run the same command again."
printf '%s' "$wanted" >"$stamp"
printf '%s' "$wanted" >"$venv/.livewitness-setup" # an extra includes the plain installation
printf '安装完成 / setup done\n'
