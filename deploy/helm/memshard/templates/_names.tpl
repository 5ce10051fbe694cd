{{/* What things are called, and how they are found. */}}
{{- define "memshard.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "memshard.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "memshard.labels" -}}
{{ include "memshard.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end -}}

{{/* Megabytes that the process takes at most: docs/OPERATIONS.md, "How much memory". */}}
{{- define "memshard.memory" -}}
{{- add .Values.cache.memoryMegabytes 72 (mul 16 (int .Values.cache.threads)) .Values.resources.headroomMegabytes (ternary 65 0 .Values.warmRestart.enabled) -}}
{{- end -}}

{{/* Of the tmpfs with the items: them and a tenth for the tables. */}}
{{- define "memshard.memoryFile" -}}
{{- add .Values.cache.memoryMegabytes (div .Values.cache.memoryMegabytes 8) 80 -}}
{{- end -}}
