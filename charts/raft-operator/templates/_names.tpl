{{/* Names and labels that several objects share. */}}

{{- define "raft-operator.name" -}}
{{ .Release.Name | trunc 52 | trimSuffix "-" }}
{{- end }}

{{- define "raft-operator.account" -}}
{{ .Values.serviceAccount.name | default (include "raft-operator.name" .) }}
{{- end }}

{{- define "raft-operator.selector" -}}
app.kubernetes.io/name: raft-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "raft-operator.labels" -}}
{{ include "raft-operator.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/component: operator
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}
