#!/usr/bin/env bash
# Writes crds/, and what the charts carry of it, from the entity types in this folder.
set -euo pipefail

repository=$(cd "$(dirname "$0")/../.." && pwd)
dotnet run --project "$repository/operator/Host" -c "${CONFIGURATION:-Release}" -- crds --repository "$repository"
