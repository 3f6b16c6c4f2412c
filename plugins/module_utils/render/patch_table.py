# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The fields of Kubernetes' own objects, their types, and how patches merge them: made by tools/patch_table.py.

A line (with those that continue it) is a definition: its name, the API version after an ``@`` where it is an object of
its own, and its fields. A type is ``s`` text, ``i`` integer, ``n`` number, ``b`` boolean, ``q`` quantity, ``x`` integer
or text, ``o`` any mapping, ``*`` anything, or the name of a definition (of the same group where it has no dot); ``[…]``
is a list, ``{…}`` a mapping. ``+key`` after a list says that a patch merges it by that key, ``+`` that it adds to it,
``=`` that it replaces a mapping; ``!`` before a field says that it is required. The status of an object is left out:
only Kubernetes writes it.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

VERSION: t.Final = "1.35"

TABLE: t.Final = """\
admissionregistration.v1.AuditAnnotation !key:s !valueExpression:s
admissionregistration.v1.MatchCondition !expression:s !name:s
admissionregistration.v1.MatchResources excludeResourceRules:[NamedRuleWithOperations] matchPolicy:s
 namespaceSelector:meta.v1.LabelSelector objectSelector:meta.v1.LabelSelector resourceRules:[NamedRuleWithOperations]
admissionregistration.v1.MutatingWebhook !admissionReviewVersions:[s] !clientConfig:WebhookClientConfig
 failurePolicy:s matchConditions:[MatchCondition]+name matchPolicy:s !name:s namespaceSelector:meta.v1.LabelSelector
 objectSelector:meta.v1.LabelSelector reinvocationPolicy:s rules:[RuleWithOperations] !sideEffects:s timeoutSeconds:i
admissionregistration.v1.MutatingWebhookConfiguration@admissionregistration.k8s.io/v1 apiVersion:s kind:s
 metadata:meta.v1.ObjectMeta webhooks:[MutatingWebhook]+name
admissionregistration.v1.NamedRuleWithOperations apiGroups:[s] apiVersions:[s] operations:[s] resourceNames:[s]
 resources:[s] scope:s
admissionregistration.v1.ParamKind apiVersion:s kind:s
admissionregistration.v1.ParamRef name:s namespace:s parameterNotFoundAction:s selector:meta.v1.LabelSelector
admissionregistration.v1.RuleWithOperations apiGroups:[s] apiVersions:[s] operations:[s] resources:[s] scope:s
admissionregistration.v1.ServiceReference !name:s !namespace:s path:s port:i
admissionregistration.v1.ValidatingAdmissionPolicy@admissionregistration.k8s.io/v1 apiVersion:s kind:s
 metadata:meta.v1.ObjectMeta spec:ValidatingAdmissionPolicySpec
admissionregistration.v1.ValidatingAdmissionPolicyBinding@admissionregistration.k8s.io/v1 apiVersion:s kind:s
 metadata:meta.v1.ObjectMeta spec:ValidatingAdmissionPolicyBindingSpec
admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec matchResources:MatchResources paramRef:ParamRef
 policyName:s validationActions:[s]
admissionregistration.v1.ValidatingAdmissionPolicySpec auditAnnotations:[AuditAnnotation] failurePolicy:s
 matchConditions:[MatchCondition]+name matchConstraints:MatchResources paramKind:ParamKind validations:[Validation]
 variables:[Variable]+name
admissionregistration.v1.ValidatingWebhook !admissionReviewVersions:[s] !clientConfig:WebhookClientConfig
 failurePolicy:s matchConditions:[MatchCondition]+name matchPolicy:s !name:s namespaceSelector:meta.v1.LabelSelector
 objectSelector:meta.v1.LabelSelector rules:[RuleWithOperations] !sideEffects:s timeoutSeconds:i
admissionregistration.v1.ValidatingWebhookConfiguration@admissionregistration.k8s.io/v1 apiVersion:s kind:s
 metadata:meta.v1.ObjectMeta webhooks:[ValidatingWebhook]+name
admissionregistration.v1.Validation !expression:s message:s messageExpression:s reason:s
admissionregistration.v1.Variable !expression:s !name:s
admissionregistration.v1.WebhookClientConfig caBundle:s service:ServiceReference url:s
admissionregistration.v1beta1.ApplyConfiguration expression:s
admissionregistration.v1beta1.JSONPatch expression:s
admissionregistration.v1beta1.MatchCondition !expression:s !name:s
admissionregistration.v1beta1.MatchResources excludeResourceRules:[NamedRuleWithOperations] matchPolicy:s
 namespaceSelector:meta.v1.LabelSelector objectSelector:meta.v1.LabelSelector resourceRules:[NamedRuleWithOperations]
admissionregistration.v1beta1.MutatingAdmissionPolicy@admissionregistration.k8s.io/v1beta1 apiVersion:s kind:s
 metadata:meta.v1.ObjectMeta spec:MutatingAdmissionPolicySpec
admissionregistration.v1beta1.MutatingAdmissionPolicyBinding@admissionregistration.k8s.io/v1beta1 apiVersion:s kind:s
 metadata:meta.v1.ObjectMeta spec:MutatingAdmissionPolicyBindingSpec
admissionregistration.v1beta1.MutatingAdmissionPolicyBindingSpec matchResources:MatchResources paramRef:ParamRef
 policyName:s
admissionregistration.v1beta1.MutatingAdmissionPolicySpec failurePolicy:s matchConditions:[MatchCondition]+name
 matchConstraints:MatchResources mutations:[Mutation] paramKind:ParamKind reinvocationPolicy:s variables:[Variable]
admissionregistration.v1beta1.Mutation applyConfiguration:ApplyConfiguration jsonPatch:JSONPatch !patchType:s
admissionregistration.v1beta1.NamedRuleWithOperations apiGroups:[s] apiVersions:[s] operations:[s] resourceNames:[s]
 resources:[s] scope:s
admissionregistration.v1beta1.ParamKind apiVersion:s kind:s
admissionregistration.v1beta1.ParamRef name:s namespace:s parameterNotFoundAction:s selector:meta.v1.LabelSelector
admissionregistration.v1beta1.Variable !expression:s !name:s
apiextensions.v1.CustomResourceColumnDefinition description:s format:s !jsonPath:s !name:s priority:i !type:s
apiextensions.v1.CustomResourceConversion !strategy:s webhook:WebhookConversion
apiextensions.v1.CustomResourceDefinition@apiextensions.k8s.io/v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta
 !spec:CustomResourceDefinitionSpec
apiextensions.v1.CustomResourceDefinitionNames categories:[s] !kind:s listKind:s !plural:s shortNames:[s] singular:s
apiextensions.v1.CustomResourceDefinitionSpec conversion:CustomResourceConversion !group:s
 !names:CustomResourceDefinitionNames preserveUnknownFields:b !scope:s !versions:[CustomResourceDefinitionVersion]
apiextensions.v1.CustomResourceDefinitionVersion additionalPrinterColumns:[CustomResourceColumnDefinition]
 deprecated:b deprecationWarning:s !name:s schema:CustomResourceValidation selectableFields:[SelectableField]
 !served:b !storage:b subresources:CustomResourceSubresources
apiextensions.v1.CustomResourceSubresourceScale labelSelectorPath:s !specReplicasPath:s !statusReplicasPath:s
apiextensions.v1.CustomResourceSubresources scale:CustomResourceSubresourceScale status:o
apiextensions.v1.CustomResourceValidation openAPIV3Schema:JSONSchemaProps
apiextensions.v1.ExternalDocumentation description:s url:s
apiextensions.v1.JSONSchemaProps $ref:s $schema:s additionalItems:* additionalProperties:* allOf:[JSONSchemaProps]
 anyOf:[JSONSchemaProps] default:* definitions:{JSONSchemaProps} dependencies:{*} description:s enum:[*] example:*
 exclusiveMaximum:b exclusiveMinimum:b externalDocs:ExternalDocumentation format:s id:s items:* maxItems:i maxLength:i
 maxProperties:i maximum:n minItems:i minLength:i minProperties:i minimum:n multipleOf:n not:JSONSchemaProps
 nullable:b oneOf:[JSONSchemaProps] pattern:s patternProperties:{JSONSchemaProps} properties:{JSONSchemaProps}
 required:[s] title:s type:s uniqueItems:b x-kubernetes-embedded-resource:b x-kubernetes-int-or-string:b
 x-kubernetes-list-map-keys:[s] x-kubernetes-list-type:s x-kubernetes-map-type:s
 x-kubernetes-preserve-unknown-fields:b x-kubernetes-validations:[ValidationRule]+rule
apiextensions.v1.SelectableField !jsonPath:s
apiextensions.v1.ServiceReference !name:s !namespace:s path:s port:i
apiextensions.v1.ValidationRule fieldPath:s message:s messageExpression:s optionalOldSelf:b reason:s !rule:s
apiextensions.v1.WebhookClientConfig caBundle:s service:ServiceReference url:s
apiextensions.v1.WebhookConversion clientConfig:WebhookClientConfig !conversionReviewVersions:[s]
apiregistration.v1.APIService@apiregistration.k8s.io/v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta
 spec:APIServiceSpec
apiregistration.v1.APIServiceSpec caBundle:s group:s !groupPriorityMinimum:i insecureSkipTLSVerify:b
 service:ServiceReference version:s !versionPriority:i
apiregistration.v1.ServiceReference name:s namespace:s port:i
apps.v1.ControllerRevision@apps/v1 apiVersion:s data:o kind:s metadata:meta.v1.ObjectMeta !revision:i
apps.v1.DaemonSet@apps/v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta spec:DaemonSetSpec
apps.v1.DaemonSetSpec minReadySeconds:i revisionHistoryLimit:i !selector:meta.v1.LabelSelector
 !template:core.v1.PodTemplateSpec updateStrategy:DaemonSetUpdateStrategy
apps.v1.DaemonSetUpdateStrategy rollingUpdate:RollingUpdateDaemonSet type:s
apps.v1.Deployment@apps/v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta spec:DeploymentSpec
apps.v1.DeploymentSpec minReadySeconds:i paused:b progressDeadlineSeconds:i replicas:i revisionHistoryLimit:i
 !selector:meta.v1.LabelSelector strategy:DeploymentStrategy !template:core.v1.PodTemplateSpec
apps.v1.DeploymentStrategy rollingUpdate:RollingUpdateDeployment type:s
apps.v1.ReplicaSet@apps/v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta spec:ReplicaSetSpec
apps.v1.ReplicaSetSpec minReadySeconds:i replicas:i !selector:meta.v1.LabelSelector template:core.v1.PodTemplateSpec
apps.v1.RollingUpdateDaemonSet maxSurge:x maxUnavailable:x
apps.v1.RollingUpdateDeployment maxSurge:x maxUnavailable:x
apps.v1.RollingUpdateStatefulSetStrategy maxUnavailable:x partition:i
apps.v1.StatefulSet@apps/v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta spec:StatefulSetSpec
apps.v1.StatefulSetOrdinals start:i
apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy whenDeleted:s whenScaled:s
apps.v1.StatefulSetSpec minReadySeconds:i ordinals:StatefulSetOrdinals
 persistentVolumeClaimRetentionPolicy:StatefulSetPersistentVolumeClaimRetentionPolicy podManagementPolicy:s replicas:i
 revisionHistoryLimit:i !selector:meta.v1.LabelSelector serviceName:s !template:core.v1.PodTemplateSpec
 updateStrategy:StatefulSetUpdateStrategy volumeClaimTemplates:[core.v1.PersistentVolumeClaim]
apps.v1.StatefulSetUpdateStrategy rollingUpdate:RollingUpdateStatefulSetStrategy type:s
authentication.v1.BoundObjectReference apiVersion:s kind:s name:s uid:s
authentication.v1.SelfSubjectReview@authentication.k8s.io/v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta
authentication.v1.TokenRequest@authentication.k8s.io/v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta
 !spec:TokenRequestSpec
authentication.v1.TokenRequestSpec !audiences:[s] boundObjectRef:BoundObjectReference expirationSeconds:i
authentication.v1.TokenReview@authentication.k8s.io/v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta
 !spec:TokenReviewSpec
authentication.v1.TokenReviewSpec audiences:[s] token:s
authorization.v1.FieldSelectorAttributes rawSelector:s requirements:[meta.v1.FieldSelectorRequirement]
authorization.v1.LabelSelectorAttributes rawSelector:s requirements:[meta.v1.LabelSelectorRequirement]
authorization.v1.LocalSubjectAccessReview@authorization.k8s.io/v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta
 !spec:SubjectAccessReviewSpec
authorization.v1.NonResourceAttributes path:s verb:s
authorization.v1.ResourceAttributes fieldSelector:FieldSelectorAttributes group:s
 labelSelector:LabelSelectorAttributes name:s namespace:s resource:s subresource:s verb:s version:s
authorization.v1.SelfSubjectAccessReview@authorization.k8s.io/v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta
 !spec:SelfSubjectAccessReviewSpec
authorization.v1.SelfSubjectAccessReviewSpec nonResourceAttributes:NonResourceAttributes
 resourceAttributes:ResourceAttributes
authorization.v1.SelfSubjectRulesReview@authorization.k8s.io/v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta
 !spec:SelfSubjectRulesReviewSpec
authorization.v1.SelfSubjectRulesReviewSpec namespace:s
authorization.v1.SubjectAccessReview@authorization.k8s.io/v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta
 !spec:SubjectAccessReviewSpec
authorization.v1.SubjectAccessReviewSpec extra:{[s]} groups:[s] nonResourceAttributes:NonResourceAttributes
 resourceAttributes:ResourceAttributes uid:s user:s
autoscaling.v1.CrossVersionObjectReference apiVersion:s !kind:s !name:s
autoscaling.v1.HorizontalPodAutoscaler@autoscaling/v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta
 spec:HorizontalPodAutoscalerSpec
autoscaling.v1.HorizontalPodAutoscalerSpec !maxReplicas:i minReplicas:i !scaleTargetRef:CrossVersionObjectReference
 targetCPUUtilizationPercentage:i
autoscaling.v1.Scale@autoscaling/v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta spec:ScaleSpec
autoscaling.v1.ScaleSpec replicas:i
autoscaling.v2.ContainerResourceMetricSource !container:s !name:s !target:MetricTarget
autoscaling.v2.CrossVersionObjectReference apiVersion:s !kind:s !name:s
autoscaling.v2.ExternalMetricSource !metric:MetricIdentifier !target:MetricTarget
autoscaling.v2.HPAScalingPolicy !periodSeconds:i !type:s !value:i
autoscaling.v2.HPAScalingRules policies:[HPAScalingPolicy] selectPolicy:s stabilizationWindowSeconds:i tolerance:q
autoscaling.v2.HorizontalPodAutoscaler@autoscaling/v2 apiVersion:s kind:s metadata:meta.v1.ObjectMeta
 spec:HorizontalPodAutoscalerSpec
autoscaling.v2.HorizontalPodAutoscalerBehavior scaleDown:HPAScalingRules scaleUp:HPAScalingRules
autoscaling.v2.HorizontalPodAutoscalerSpec behavior:HorizontalPodAutoscalerBehavior !maxReplicas:i
 metrics:[MetricSpec] minReplicas:i !scaleTargetRef:CrossVersionObjectReference
autoscaling.v2.MetricIdentifier !name:s selector:meta.v1.LabelSelector
autoscaling.v2.MetricSpec containerResource:ContainerResourceMetricSource external:ExternalMetricSource
 object:ObjectMetricSource pods:PodsMetricSource resource:ResourceMetricSource !type:s
autoscaling.v2.MetricTarget averageUtilization:i averageValue:q !type:s value:q
autoscaling.v2.ObjectMetricSource !describedObject:CrossVersionObjectReference !metric:MetricIdentifier
 !target:MetricTarget
autoscaling.v2.PodsMetricSource !metric:MetricIdentifier !target:MetricTarget
autoscaling.v2.ResourceMetricSource !name:s !target:MetricTarget
batch.v1.CronJob@batch/v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta spec:CronJobSpec
batch.v1.CronJobSpec concurrencyPolicy:s failedJobsHistoryLimit:i !jobTemplate:JobTemplateSpec !schedule:s
 startingDeadlineSeconds:i successfulJobsHistoryLimit:i suspend:b timeZone:s
batch.v1.Job@batch/v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta spec:JobSpec
batch.v1.JobSpec activeDeadlineSeconds:i backoffLimit:i backoffLimitPerIndex:i completionMode:s completions:i
 managedBy:s manualSelector:b maxFailedIndexes:i parallelism:i podFailurePolicy:PodFailurePolicy
 podReplacementPolicy:s selector:meta.v1.LabelSelector successPolicy:SuccessPolicy suspend:b
 !template:core.v1.PodTemplateSpec ttlSecondsAfterFinished:i
batch.v1.JobTemplateSpec metadata:meta.v1.ObjectMeta spec:JobSpec
batch.v1.PodFailurePolicy !rules:[PodFailurePolicyRule]
batch.v1.PodFailurePolicyOnExitCodesRequirement containerName:s !operator:s !values:[i]
batch.v1.PodFailurePolicyOnPodConditionsPattern status:s !type:s
batch.v1.PodFailurePolicyRule !action:s onExitCodes:PodFailurePolicyOnExitCodesRequirement
 onPodConditions:[PodFailurePolicyOnPodConditionsPattern]
batch.v1.SuccessPolicy !rules:[SuccessPolicyRule]
batch.v1.SuccessPolicyRule succeededCount:i succeededIndexes:s
certificates.v1.CertificateSigningRequest@certificates.k8s.io/v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta
 !spec:CertificateSigningRequestSpec
certificates.v1.CertificateSigningRequestSpec expirationSeconds:i extra:{[s]} groups:[s] !request:s !signerName:s
 uid:s usages:[s] username:s
coordination.v1.Lease@coordination.k8s.io/v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta spec:LeaseSpec
coordination.v1.LeaseSpec acquireTime:s holderIdentity:s leaseDurationSeconds:i leaseTransitions:i preferredHolder:s
 renewTime:s strategy:s
core.v1.AWSElasticBlockStoreVolumeSource fsType:s partition:i readOnly:b !volumeID:s
core.v1.Affinity nodeAffinity:NodeAffinity podAffinity:PodAffinity podAntiAffinity:PodAntiAffinity
core.v1.AppArmorProfile localhostProfile:s !type:s
core.v1.AzureDiskVolumeSource cachingMode:s !diskName:s !diskURI:s fsType:s kind:s readOnly:b
core.v1.AzureFilePersistentVolumeSource readOnly:b !secretName:s secretNamespace:s !shareName:s
core.v1.AzureFileVolumeSource readOnly:b !secretName:s !shareName:s
core.v1.Binding@v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta !target:ObjectReference
core.v1.CSIPersistentVolumeSource controllerExpandSecretRef:SecretReference controllerPublishSecretRef:SecretReference
 !driver:s fsType:s nodeExpandSecretRef:SecretReference nodePublishSecretRef:SecretReference
 nodeStageSecretRef:SecretReference readOnly:b volumeAttributes:{s} !volumeHandle:s
core.v1.CSIVolumeSource !driver:s fsType:s nodePublishSecretRef:LocalObjectReference readOnly:b volumeAttributes:{s}
core.v1.Capabilities add:[s] drop:[s]
core.v1.CephFSPersistentVolumeSource !monitors:[s] path:s readOnly:b secretFile:s secretRef:SecretReference user:s
core.v1.CephFSVolumeSource !monitors:[s] path:s readOnly:b secretFile:s secretRef:LocalObjectReference user:s
core.v1.CinderPersistentVolumeSource fsType:s readOnly:b secretRef:SecretReference !volumeID:s
core.v1.CinderVolumeSource fsType:s readOnly:b secretRef:LocalObjectReference !volumeID:s
core.v1.ClientIPConfig timeoutSeconds:i
core.v1.ClusterTrustBundleProjection labelSelector:meta.v1.LabelSelector name:s optional:b !path:s signerName:s
core.v1.ComponentCondition error:s message:s !status:s !type:s
core.v1.ComponentStatus@v1 apiVersion:s conditions:[ComponentCondition]+type kind:s metadata:meta.v1.ObjectMeta
core.v1.ConfigMap@v1 apiVersion:s binaryData:{s} data:{s} immutable:b kind:s metadata:meta.v1.ObjectMeta
core.v1.ConfigMapEnvSource name:s optional:b
core.v1.ConfigMapKeySelector !key:s name:s optional:b
core.v1.ConfigMapNodeConfigSource !kubeletConfigKey:s !name:s !namespace:s resourceVersion:s uid:s
core.v1.ConfigMapProjection items:[KeyToPath] name:s optional:b
core.v1.ConfigMapVolumeSource defaultMode:i items:[KeyToPath] name:s optional:b
core.v1.Container args:[s] command:[s] env:[EnvVar]+name envFrom:[EnvFromSource] image:s imagePullPolicy:s
 lifecycle:Lifecycle livenessProbe:Probe !name:s ports:[ContainerPort]+containerPort readinessProbe:Probe
 resizePolicy:[ContainerResizePolicy] resources:ResourceRequirements restartPolicy:s
 restartPolicyRules:[ContainerRestartRule] securityContext:SecurityContext startupProbe:Probe stdin:b stdinOnce:b
 terminationMessagePath:s terminationMessagePolicy:s tty:b volumeDevices:[VolumeDevice]+devicePath
 volumeMounts:[VolumeMount]+mountPath workingDir:s
core.v1.ContainerPort !containerPort:i hostIP:s hostPort:i name:s protocol:s
core.v1.ContainerResizePolicy !resourceName:s !restartPolicy:s
core.v1.ContainerRestartRule !action:s exitCodes:ContainerRestartRuleOnExitCodes
core.v1.ContainerRestartRuleOnExitCodes !operator:s values:[i]
core.v1.DownwardAPIProjection items:[DownwardAPIVolumeFile]
core.v1.DownwardAPIVolumeFile fieldRef:ObjectFieldSelector mode:i !path:s resourceFieldRef:ResourceFieldSelector
core.v1.DownwardAPIVolumeSource defaultMode:i items:[DownwardAPIVolumeFile]
core.v1.EmptyDirVolumeSource medium:s sizeLimit:q
core.v1.EndpointAddress hostname:s !ip:s nodeName:s targetRef:ObjectReference
core.v1.EndpointPort appProtocol:s name:s !port:i protocol:s
core.v1.EndpointSubset addresses:[EndpointAddress] notReadyAddresses:[EndpointAddress] ports:[EndpointPort]
core.v1.Endpoints@v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta subsets:[EndpointSubset]
core.v1.EnvFromSource configMapRef:ConfigMapEnvSource prefix:s secretRef:SecretEnvSource
core.v1.EnvVar !name:s value:s valueFrom:EnvVarSource
core.v1.EnvVarSource configMapKeyRef:ConfigMapKeySelector fieldRef:ObjectFieldSelector fileKeyRef:FileKeySelector
 resourceFieldRef:ResourceFieldSelector secretKeyRef:SecretKeySelector
core.v1.EphemeralContainer args:[s] command:[s] env:[EnvVar]+name envFrom:[EnvFromSource] image:s imagePullPolicy:s
 lifecycle:Lifecycle livenessProbe:Probe !name:s ports:[ContainerPort]+containerPort readinessProbe:Probe
 resizePolicy:[ContainerResizePolicy] resources:ResourceRequirements restartPolicy:s
 restartPolicyRules:[ContainerRestartRule] securityContext:SecurityContext startupProbe:Probe stdin:b stdinOnce:b
 targetContainerName:s terminationMessagePath:s terminationMessagePolicy:s tty:b
 volumeDevices:[VolumeDevice]+devicePath volumeMounts:[VolumeMount]+mountPath workingDir:s
core.v1.EphemeralVolumeSource volumeClaimTemplate:PersistentVolumeClaimTemplate
core.v1.Event@v1 action:s apiVersion:s count:i eventTime:s firstTimestamp:s !involvedObject:ObjectReference kind:s
 lastTimestamp:s message:s !metadata:meta.v1.ObjectMeta reason:s related:ObjectReference reportingComponent:s
 reportingInstance:s series:EventSeries source:EventSource type:s
core.v1.EventSeries count:i lastObservedTime:s
core.v1.EventSource component:s host:s
core.v1.ExecAction command:[s]
core.v1.FCVolumeSource fsType:s lun:i readOnly:b targetWWNs:[s] wwids:[s]
core.v1.FileKeySelector !key:s optional:b !path:s !volumeName:s
core.v1.FlexPersistentVolumeSource !driver:s fsType:s options:{s} readOnly:b secretRef:SecretReference
core.v1.FlexVolumeSource !driver:s fsType:s options:{s} readOnly:b secretRef:LocalObjectReference
core.v1.FlockerVolumeSource datasetName:s datasetUUID:s
core.v1.GCEPersistentDiskVolumeSource fsType:s partition:i !pdName:s readOnly:b
core.v1.GRPCAction !port:i service:s
core.v1.GitRepoVolumeSource directory:s !repository:s revision:s
core.v1.GlusterfsPersistentVolumeSource !endpoints:s endpointsNamespace:s !path:s readOnly:b
core.v1.GlusterfsVolumeSource !endpoints:s !path:s readOnly:b
core.v1.HTTPGetAction host:s httpHeaders:[HTTPHeader] path:s !port:x scheme:s
core.v1.HTTPHeader !name:s !value:s
core.v1.HostAlias hostnames:[s] !ip:s
core.v1.HostPathVolumeSource !path:s type:s
core.v1.ISCSIPersistentVolumeSource chapAuthDiscovery:b chapAuthSession:b fsType:s initiatorName:s !iqn:s
 iscsiInterface:s !lun:i portals:[s] readOnly:b secretRef:SecretReference !targetPortal:s
core.v1.ISCSIVolumeSource chapAuthDiscovery:b chapAuthSession:b fsType:s initiatorName:s !iqn:s iscsiInterface:s
 !lun:i portals:[s] readOnly:b secretRef:LocalObjectReference !targetPortal:s
core.v1.ImageVolumeSource pullPolicy:s reference:s
core.v1.KeyToPath !key:s mode:i !path:s
core.v1.Lifecycle postStart:LifecycleHandler preStop:LifecycleHandler stopSignal:s
core.v1.LifecycleHandler exec:ExecAction httpGet:HTTPGetAction sleep:SleepAction tcpSocket:TCPSocketAction
core.v1.LimitRange@v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta spec:LimitRangeSpec
core.v1.LimitRangeItem default:{q} defaultRequest:{q} max:{q} maxLimitRequestRatio:{q} min:{q} !type:s
core.v1.LimitRangeSpec !limits:[LimitRangeItem]
core.v1.LocalObjectReference name:s
core.v1.LocalVolumeSource fsType:s !path:s
core.v1.NFSVolumeSource !path:s readOnly:b !server:s
core.v1.Namespace@v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta spec:NamespaceSpec
core.v1.NamespaceSpec finalizers:[s]
core.v1.Node@v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta spec:NodeSpec
core.v1.NodeAffinity preferredDuringSchedulingIgnoredDuringExecution:[PreferredSchedulingTerm]
 requiredDuringSchedulingIgnoredDuringExecution:NodeSelector
core.v1.NodeConfigSource configMap:ConfigMapNodeConfigSource
core.v1.NodeSelector !nodeSelectorTerms:[NodeSelectorTerm]
core.v1.NodeSelectorRequirement !key:s !operator:s values:[s]
core.v1.NodeSelectorTerm matchExpressions:[NodeSelectorRequirement] matchFields:[NodeSelectorRequirement]
core.v1.NodeSpec configSource:NodeConfigSource externalID:s podCIDR:s podCIDRs:[s]+ providerID:s taints:[Taint]
 unschedulable:b
core.v1.ObjectFieldSelector apiVersion:s !fieldPath:s
core.v1.ObjectReference apiVersion:s fieldPath:s kind:s name:s namespace:s resourceVersion:s uid:s
core.v1.PersistentVolume@v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta spec:PersistentVolumeSpec
core.v1.PersistentVolumeClaim@v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta spec:PersistentVolumeClaimSpec
core.v1.PersistentVolumeClaimSpec accessModes:[s] dataSource:TypedLocalObjectReference
 dataSourceRef:TypedObjectReference resources:VolumeResourceRequirements selector:meta.v1.LabelSelector
 storageClassName:s volumeAttributesClassName:s volumeMode:s volumeName:s
core.v1.PersistentVolumeClaimTemplate metadata:meta.v1.ObjectMeta !spec:PersistentVolumeClaimSpec
core.v1.PersistentVolumeClaimVolumeSource !claimName:s readOnly:b
core.v1.PersistentVolumeSpec accessModes:[s] awsElasticBlockStore:AWSElasticBlockStoreVolumeSource
 azureDisk:AzureDiskVolumeSource azureFile:AzureFilePersistentVolumeSource capacity:{q}
 cephfs:CephFSPersistentVolumeSource cinder:CinderPersistentVolumeSource claimRef:ObjectReference
 csi:CSIPersistentVolumeSource fc:FCVolumeSource flexVolume:FlexPersistentVolumeSource flocker:FlockerVolumeSource
 gcePersistentDisk:GCEPersistentDiskVolumeSource glusterfs:GlusterfsPersistentVolumeSource
 hostPath:HostPathVolumeSource iscsi:ISCSIPersistentVolumeSource local:LocalVolumeSource mountOptions:[s]
 nfs:NFSVolumeSource nodeAffinity:VolumeNodeAffinity persistentVolumeReclaimPolicy:s
 photonPersistentDisk:PhotonPersistentDiskVolumeSource portworxVolume:PortworxVolumeSource quobyte:QuobyteVolumeSource
 rbd:RBDPersistentVolumeSource scaleIO:ScaleIOPersistentVolumeSource storageClassName:s
 storageos:StorageOSPersistentVolumeSource volumeAttributesClassName:s volumeMode:s
 vsphereVolume:VsphereVirtualDiskVolumeSource
core.v1.PhotonPersistentDiskVolumeSource fsType:s !pdID:s
core.v1.Pod@v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta spec:PodSpec
core.v1.PodAffinity preferredDuringSchedulingIgnoredDuringExecution:[WeightedPodAffinityTerm]
 requiredDuringSchedulingIgnoredDuringExecution:[PodAffinityTerm]
core.v1.PodAffinityTerm labelSelector:meta.v1.LabelSelector matchLabelKeys:[s] mismatchLabelKeys:[s]
 namespaceSelector:meta.v1.LabelSelector namespaces:[s] !topologyKey:s
core.v1.PodAntiAffinity preferredDuringSchedulingIgnoredDuringExecution:[WeightedPodAffinityTerm]
 requiredDuringSchedulingIgnoredDuringExecution:[PodAffinityTerm]
core.v1.PodCertificateProjection certificateChainPath:s credentialBundlePath:s keyPath:s !keyType:s
 maxExpirationSeconds:i !signerName:s userAnnotations:{s}
core.v1.PodDNSConfig nameservers:[s] options:[PodDNSConfigOption] searches:[s]
core.v1.PodDNSConfigOption name:s value:s
core.v1.PodOS !name:s
core.v1.PodReadinessGate !conditionType:s
core.v1.PodResourceClaim !name:s resourceClaimName:s resourceClaimTemplateName:s
core.v1.PodSchedulingGate !name:s
core.v1.PodSecurityContext appArmorProfile:AppArmorProfile fsGroup:i fsGroupChangePolicy:s runAsGroup:i runAsNonRoot:b
 runAsUser:i seLinuxChangePolicy:s seLinuxOptions:SELinuxOptions seccompProfile:SeccompProfile supplementalGroups:[i]
 supplementalGroupsPolicy:s sysctls:[Sysctl] windowsOptions:WindowsSecurityContextOptions
core.v1.PodSpec activeDeadlineSeconds:i affinity:Affinity automountServiceAccountToken:b !containers:[Container]+name
 dnsConfig:PodDNSConfig dnsPolicy:s enableServiceLinks:b ephemeralContainers:[EphemeralContainer]+name
 hostAliases:[HostAlias]+ip hostIPC:b hostNetwork:b hostPID:b hostUsers:b hostname:s hostnameOverride:s
 imagePullSecrets:[LocalObjectReference]+name initContainers:[Container]+name nodeName:s nodeSelector:{s} os:PodOS
 overhead:{q} preemptionPolicy:s priority:i priorityClassName:s readinessGates:[PodReadinessGate]
 resourceClaims:[PodResourceClaim]+name resources:ResourceRequirements restartPolicy:s runtimeClassName:s
 schedulerName:s schedulingGates:[PodSchedulingGate]+name securityContext:PodSecurityContext serviceAccount:s
 serviceAccountName:s setHostnameAsFQDN:b shareProcessNamespace:b subdomain:s terminationGracePeriodSeconds:i
 tolerations:[Toleration] topologySpreadConstraints:[TopologySpreadConstraint]+topologyKey volumes:[Volume]+name
 workloadRef:WorkloadReference
core.v1.PodTemplate@v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta template:PodTemplateSpec
core.v1.PodTemplateSpec metadata:meta.v1.ObjectMeta spec:PodSpec
core.v1.PortworxVolumeSource fsType:s readOnly:b !volumeID:s
core.v1.PreferredSchedulingTerm !preference:NodeSelectorTerm !weight:i
core.v1.Probe exec:ExecAction failureThreshold:i grpc:GRPCAction httpGet:HTTPGetAction initialDelaySeconds:i
 periodSeconds:i successThreshold:i tcpSocket:TCPSocketAction terminationGracePeriodSeconds:i timeoutSeconds:i
core.v1.ProjectedVolumeSource defaultMode:i sources:[VolumeProjection]
core.v1.QuobyteVolumeSource group:s readOnly:b !registry:s tenant:s user:s !volume:s
core.v1.RBDPersistentVolumeSource fsType:s !image:s keyring:s !monitors:[s] pool:s readOnly:b
 secretRef:SecretReference user:s
core.v1.RBDVolumeSource fsType:s !image:s keyring:s !monitors:[s] pool:s readOnly:b secretRef:LocalObjectReference
 user:s
core.v1.ReplicationController@v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta spec:ReplicationControllerSpec
core.v1.ReplicationControllerSpec minReadySeconds:i replicas:i selector:{s} template:PodTemplateSpec
core.v1.ResourceClaim !name:s request:s
core.v1.ResourceFieldSelector containerName:s divisor:q !resource:s
core.v1.ResourceQuota@v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta spec:ResourceQuotaSpec
core.v1.ResourceQuotaSpec hard:{q} scopeSelector:ScopeSelector scopes:[s]
core.v1.ResourceRequirements claims:[ResourceClaim] limits:{q} requests:{q}
core.v1.SELinuxOptions level:s role:s type:s user:s
core.v1.ScaleIOPersistentVolumeSource fsType:s !gateway:s protectionDomain:s readOnly:b !secretRef:SecretReference
 sslEnabled:b storageMode:s storagePool:s !system:s volumeName:s
core.v1.ScaleIOVolumeSource fsType:s !gateway:s protectionDomain:s readOnly:b !secretRef:LocalObjectReference
 sslEnabled:b storageMode:s storagePool:s !system:s volumeName:s
core.v1.ScopeSelector matchExpressions:[ScopedResourceSelectorRequirement]
core.v1.ScopedResourceSelectorRequirement !operator:s !scopeName:s values:[s]
core.v1.SeccompProfile localhostProfile:s !type:s
core.v1.Secret@v1 apiVersion:s data:{s} immutable:b kind:s metadata:meta.v1.ObjectMeta stringData:{s} type:s
core.v1.SecretEnvSource name:s optional:b
core.v1.SecretKeySelector !key:s name:s optional:b
core.v1.SecretProjection items:[KeyToPath] name:s optional:b
core.v1.SecretReference name:s namespace:s
core.v1.SecretVolumeSource defaultMode:i items:[KeyToPath] optional:b secretName:s
core.v1.SecurityContext allowPrivilegeEscalation:b appArmorProfile:AppArmorProfile capabilities:Capabilities
 privileged:b procMount:s readOnlyRootFilesystem:b runAsGroup:i runAsNonRoot:b runAsUser:i
 seLinuxOptions:SELinuxOptions seccompProfile:SeccompProfile windowsOptions:WindowsSecurityContextOptions
core.v1.Service@v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta spec:ServiceSpec
core.v1.ServiceAccount@v1 apiVersion:s automountServiceAccountToken:b imagePullSecrets:[LocalObjectReference] kind:s
 metadata:meta.v1.ObjectMeta secrets:[ObjectReference]+name
core.v1.ServiceAccountTokenProjection audience:s expirationSeconds:i !path:s
core.v1.ServicePort appProtocol:s name:s nodePort:i !port:i protocol:s targetPort:x
core.v1.ServiceSpec allocateLoadBalancerNodePorts:b clusterIP:s clusterIPs:[s] externalIPs:[s] externalName:s
 externalTrafficPolicy:s healthCheckNodePort:i internalTrafficPolicy:s ipFamilies:[s] ipFamilyPolicy:s
 loadBalancerClass:s loadBalancerIP:s loadBalancerSourceRanges:[s] ports:[ServicePort]+port publishNotReadyAddresses:b
 selector:{s} sessionAffinity:s sessionAffinityConfig:SessionAffinityConfig trafficDistribution:s type:s
core.v1.SessionAffinityConfig clientIP:ClientIPConfig
core.v1.SleepAction !seconds:i
core.v1.StorageOSPersistentVolumeSource fsType:s readOnly:b secretRef:ObjectReference volumeName:s volumeNamespace:s
core.v1.StorageOSVolumeSource fsType:s readOnly:b secretRef:LocalObjectReference volumeName:s volumeNamespace:s
core.v1.Sysctl !name:s !value:s
core.v1.TCPSocketAction host:s !port:x
core.v1.Taint !effect:s !key:s timeAdded:s value:s
core.v1.Toleration effect:s key:s operator:s tolerationSeconds:i value:s
core.v1.TopologySelectorLabelRequirement !key:s !values:[s]
core.v1.TopologySelectorTerm matchLabelExpressions:[TopologySelectorLabelRequirement]
core.v1.TopologySpreadConstraint labelSelector:meta.v1.LabelSelector matchLabelKeys:[s] !maxSkew:i minDomains:i
 nodeAffinityPolicy:s nodeTaintsPolicy:s !topologyKey:s !whenUnsatisfiable:s
core.v1.TypedLocalObjectReference apiGroup:s !kind:s !name:s
core.v1.TypedObjectReference apiGroup:s !kind:s !name:s namespace:s
core.v1.Volume awsElasticBlockStore:AWSElasticBlockStoreVolumeSource azureDisk:AzureDiskVolumeSource
 azureFile:AzureFileVolumeSource cephfs:CephFSVolumeSource cinder:CinderVolumeSource configMap:ConfigMapVolumeSource
 csi:CSIVolumeSource downwardAPI:DownwardAPIVolumeSource emptyDir:EmptyDirVolumeSource ephemeral:EphemeralVolumeSource
 fc:FCVolumeSource flexVolume:FlexVolumeSource flocker:FlockerVolumeSource
 gcePersistentDisk:GCEPersistentDiskVolumeSource gitRepo:GitRepoVolumeSource glusterfs:GlusterfsVolumeSource
 hostPath:HostPathVolumeSource image:ImageVolumeSource iscsi:ISCSIVolumeSource !name:s nfs:NFSVolumeSource
 persistentVolumeClaim:PersistentVolumeClaimVolumeSource photonPersistentDisk:PhotonPersistentDiskVolumeSource
 portworxVolume:PortworxVolumeSource projected:ProjectedVolumeSource quobyte:QuobyteVolumeSource rbd:RBDVolumeSource
 scaleIO:ScaleIOVolumeSource secret:SecretVolumeSource storageos:StorageOSVolumeSource
 vsphereVolume:VsphereVirtualDiskVolumeSource
core.v1.VolumeDevice !devicePath:s !name:s
core.v1.VolumeMount !mountPath:s mountPropagation:s !name:s readOnly:b recursiveReadOnly:s subPath:s subPathExpr:s
core.v1.VolumeNodeAffinity required:NodeSelector
core.v1.VolumeProjection clusterTrustBundle:ClusterTrustBundleProjection configMap:ConfigMapProjection
 downwardAPI:DownwardAPIProjection podCertificate:PodCertificateProjection secret:SecretProjection
 serviceAccountToken:ServiceAccountTokenProjection
core.v1.VolumeResourceRequirements limits:{q} requests:{q}
core.v1.VsphereVirtualDiskVolumeSource fsType:s storagePolicyID:s storagePolicyName:s !volumePath:s
core.v1.WeightedPodAffinityTerm !podAffinityTerm:PodAffinityTerm !weight:i
core.v1.WindowsSecurityContextOptions gmsaCredentialSpec:s gmsaCredentialSpecName:s hostProcess:b runAsUserName:s
core.v1.WorkloadReference !name:s !podGroup:s podGroupReplicaKey:s
discovery.v1.Endpoint !addresses:[s] conditions:EndpointConditions deprecatedTopology:{s} hints:EndpointHints
 hostname:s nodeName:s targetRef:core.v1.ObjectReference zone:s
discovery.v1.EndpointConditions ready:b serving:b terminating:b
discovery.v1.EndpointHints forNodes:[ForNode] forZones:[ForZone]
discovery.v1.EndpointPort appProtocol:s name:s port:i protocol:s
discovery.v1.EndpointSlice@discovery.k8s.io/v1 !addressType:s apiVersion:s !endpoints:[Endpoint] kind:s
 metadata:meta.v1.ObjectMeta ports:[EndpointPort]
discovery.v1.ForNode !name:s
discovery.v1.ForZone !name:s
events.v1.Event@events.k8s.io/v1 action:s apiVersion:s deprecatedCount:i deprecatedFirstTimestamp:s
 deprecatedLastTimestamp:s deprecatedSource:core.v1.EventSource !eventTime:s kind:s metadata:meta.v1.ObjectMeta note:s
 reason:s regarding:core.v1.ObjectReference related:core.v1.ObjectReference reportingController:s reportingInstance:s
 series:EventSeries type:s
events.v1.EventSeries !count:i !lastObservedTime:s
flowcontrol.v1.ExemptPriorityLevelConfiguration lendablePercent:i nominalConcurrencyShares:i
flowcontrol.v1.FlowDistinguisherMethod !type:s
flowcontrol.v1.FlowSchema@flowcontrol.apiserver.k8s.io/v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta
 spec:FlowSchemaSpec
flowcontrol.v1.FlowSchemaSpec distinguisherMethod:FlowDistinguisherMethod matchingPrecedence:i
 !priorityLevelConfiguration:PriorityLevelConfigurationReference rules:[PolicyRulesWithSubjects]
flowcontrol.v1.GroupSubject !name:s
flowcontrol.v1.LimitResponse queuing:QueuingConfiguration !type:s
flowcontrol.v1.LimitedPriorityLevelConfiguration borrowingLimitPercent:i lendablePercent:i limitResponse:LimitResponse
 nominalConcurrencyShares:i
flowcontrol.v1.NonResourcePolicyRule !nonResourceURLs:[s] !verbs:[s]
flowcontrol.v1.PolicyRulesWithSubjects nonResourceRules:[NonResourcePolicyRule] resourceRules:[ResourcePolicyRule]
 !subjects:[Subject]
flowcontrol.v1.PriorityLevelConfiguration@flowcontrol.apiserver.k8s.io/v1 apiVersion:s kind:s
 metadata:meta.v1.ObjectMeta spec:PriorityLevelConfigurationSpec
flowcontrol.v1.PriorityLevelConfigurationReference !name:s
flowcontrol.v1.PriorityLevelConfigurationSpec exempt:ExemptPriorityLevelConfiguration
 limited:LimitedPriorityLevelConfiguration !type:s
flowcontrol.v1.QueuingConfiguration handSize:i queueLengthLimit:i queues:i
flowcontrol.v1.ResourcePolicyRule !apiGroups:[s] clusterScope:b namespaces:[s] !resources:[s] !verbs:[s]
flowcontrol.v1.ServiceAccountSubject !name:s !namespace:s
flowcontrol.v1.Subject group:GroupSubject !kind:s serviceAccount:ServiceAccountSubject user:UserSubject
flowcontrol.v1.UserSubject !name:s
meta.v1.DeleteOptions apiVersion:s dryRun:[s] gracePeriodSeconds:i ignoreStoreReadErrorWithClusterBreakingPotential:b
 kind:s orphanDependents:b preconditions:Preconditions propagationPolicy:s
meta.v1.FieldSelectorRequirement !key:s !operator:s values:[s]
meta.v1.LabelSelector matchExpressions:[LabelSelectorRequirement] matchLabels:{s}
meta.v1.LabelSelectorRequirement !key:s !operator:s values:[s]
meta.v1.ManagedFieldsEntry apiVersion:s fieldsType:s fieldsV1:o manager:s operation:s subresource:s time:s
meta.v1.ObjectMeta annotations:{s} creationTimestamp:s deletionGracePeriodSeconds:i deletionTimestamp:s
 finalizers:[s]+ generateName:s generation:i labels:{s} managedFields:[ManagedFieldsEntry] name:s namespace:s
 ownerReferences:[OwnerReference]+uid resourceVersion:s selfLink:s uid:s
meta.v1.OwnerReference !apiVersion:s blockOwnerDeletion:b controller:b !kind:s !name:s !uid:s
meta.v1.Preconditions resourceVersion:s uid:s
networking.v1.HTTPIngressPath !backend:IngressBackend path:s !pathType:s
networking.v1.HTTPIngressRuleValue !paths:[HTTPIngressPath]
networking.v1.IPAddress@networking.k8s.io/v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta spec:IPAddressSpec
networking.v1.IPAddressSpec !parentRef:ParentReference
networking.v1.IPBlock !cidr:s except:[s]
networking.v1.Ingress@networking.k8s.io/v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta spec:IngressSpec
networking.v1.IngressBackend resource:core.v1.TypedLocalObjectReference service:IngressServiceBackend
networking.v1.IngressClass@networking.k8s.io/v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta spec:IngressClassSpec
networking.v1.IngressClassParametersReference apiGroup:s !kind:s !name:s namespace:s scope:s
networking.v1.IngressClassSpec controller:s parameters:IngressClassParametersReference
networking.v1.IngressRule host:s http:HTTPIngressRuleValue
networking.v1.IngressServiceBackend !name:s port:ServiceBackendPort
networking.v1.IngressSpec defaultBackend:IngressBackend ingressClassName:s rules:[IngressRule] tls:[IngressTLS]
networking.v1.IngressTLS hosts:[s] secretName:s
networking.v1.NetworkPolicy@networking.k8s.io/v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta
 spec:NetworkPolicySpec
networking.v1.NetworkPolicyEgressRule ports:[NetworkPolicyPort] to:[NetworkPolicyPeer]
networking.v1.NetworkPolicyIngressRule from:[NetworkPolicyPeer] ports:[NetworkPolicyPort]
networking.v1.NetworkPolicyPeer ipBlock:IPBlock namespaceSelector:meta.v1.LabelSelector
 podSelector:meta.v1.LabelSelector
networking.v1.NetworkPolicyPort endPort:i port:x protocol:s
networking.v1.NetworkPolicySpec egress:[NetworkPolicyEgressRule] ingress:[NetworkPolicyIngressRule]
 podSelector:meta.v1.LabelSelector policyTypes:[s]
networking.v1.ParentReference group:s !name:s namespace:s !resource:s
networking.v1.ServiceBackendPort name:s number:i
networking.v1.ServiceCIDR@networking.k8s.io/v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta spec:ServiceCIDRSpec
networking.v1.ServiceCIDRSpec cidrs:[s]
node.v1.Overhead podFixed:{q}
node.v1.RuntimeClass@node.k8s.io/v1 apiVersion:s !handler:s kind:s metadata:meta.v1.ObjectMeta overhead:Overhead
 scheduling:Scheduling
node.v1.Scheduling nodeSelector:{s} tolerations:[core.v1.Toleration]
policy.v1.Eviction@policy/v1 apiVersion:s deleteOptions:meta.v1.DeleteOptions kind:s metadata:meta.v1.ObjectMeta
policy.v1.PodDisruptionBudget@policy/v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta spec:PodDisruptionBudgetSpec
policy.v1.PodDisruptionBudgetSpec maxUnavailable:x minAvailable:x selector:meta.v1.LabelSelector=
 unhealthyPodEvictionPolicy:s
rbac.v1.AggregationRule clusterRoleSelectors:[meta.v1.LabelSelector]
rbac.v1.ClusterRole@rbac.authorization.k8s.io/v1 aggregationRule:AggregationRule apiVersion:s kind:s
 metadata:meta.v1.ObjectMeta rules:[PolicyRule]
rbac.v1.ClusterRoleBinding@rbac.authorization.k8s.io/v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta
 !roleRef:RoleRef subjects:[Subject]
rbac.v1.PolicyRule apiGroups:[s] nonResourceURLs:[s] resourceNames:[s] resources:[s] !verbs:[s]
rbac.v1.Role@rbac.authorization.k8s.io/v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta rules:[PolicyRule]
rbac.v1.RoleBinding@rbac.authorization.k8s.io/v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta !roleRef:RoleRef
 subjects:[Subject]
rbac.v1.RoleRef !apiGroup:s !kind:s !name:s
rbac.v1.Subject apiGroup:s !kind:s !name:s namespace:s
resource.v1.CELDeviceSelector !expression:s
resource.v1.CapacityRequestPolicy default:q validRange:CapacityRequestPolicyRange validValues:[q]
resource.v1.CapacityRequestPolicyRange max:q !min:q step:q
resource.v1.CapacityRequirements requests:{q}
resource.v1.Counter !value:q
resource.v1.CounterSet !counters:{Counter} !name:s
resource.v1.Device allNodes:b allowMultipleAllocations:b attributes:{DeviceAttribute} bindingConditions:[s]
 bindingFailureConditions:[s] bindsToNode:b capacity:{DeviceCapacity} consumesCounters:[DeviceCounterConsumption]
 !name:s nodeName:s nodeSelector:core.v1.NodeSelector taints:[DeviceTaint]
resource.v1.DeviceAttribute bool:b int:i string:s version:s
resource.v1.DeviceCapacity requestPolicy:CapacityRequestPolicy !value:q
resource.v1.DeviceClaim config:[DeviceClaimConfiguration] constraints:[DeviceConstraint] requests:[DeviceRequest]
resource.v1.DeviceClaimConfiguration opaque:OpaqueDeviceConfiguration requests:[s]
resource.v1.DeviceClass@resource.k8s.io/v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta !spec:DeviceClassSpec
resource.v1.DeviceClassConfiguration opaque:OpaqueDeviceConfiguration
resource.v1.DeviceClassSpec config:[DeviceClassConfiguration] extendedResourceName:s selectors:[DeviceSelector]
resource.v1.DeviceConstraint distinctAttribute:s matchAttribute:s requests:[s]
resource.v1.DeviceCounterConsumption !counterSet:s !counters:{Counter}
resource.v1.DeviceRequest exactly:ExactDeviceRequest firstAvailable:[DeviceSubRequest] !name:s
resource.v1.DeviceSelector cel:CELDeviceSelector
resource.v1.DeviceSubRequest allocationMode:s capacity:CapacityRequirements count:i !deviceClassName:s !name:s
 selectors:[DeviceSelector] tolerations:[DeviceToleration]
resource.v1.DeviceTaint !effect:s !key:s timeAdded:s value:s
resource.v1.DeviceToleration effect:s key:s operator:s tolerationSeconds:i value:s
resource.v1.ExactDeviceRequest adminAccess:b allocationMode:s capacity:CapacityRequirements count:i !deviceClassName:s
 selectors:[DeviceSelector] tolerations:[DeviceToleration]
resource.v1.OpaqueDeviceConfiguration !driver:s !parameters:o
resource.v1.ResourceClaim@resource.k8s.io/v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta !spec:ResourceClaimSpec
resource.v1.ResourceClaimSpec devices:DeviceClaim
resource.v1.ResourceClaimTemplate@resource.k8s.io/v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta
 !spec:ResourceClaimTemplateSpec
resource.v1.ResourceClaimTemplateSpec metadata:meta.v1.ObjectMeta !spec:ResourceClaimSpec
resource.v1.ResourcePool !generation:i !name:s !resourceSliceCount:i
resource.v1.ResourceSlice@resource.k8s.io/v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta !spec:ResourceSliceSpec
resource.v1.ResourceSliceSpec allNodes:b devices:[Device] !driver:s nodeName:s nodeSelector:core.v1.NodeSelector
 perDeviceNodeSelection:b !pool:ResourcePool sharedCounters:[CounterSet]
scheduling.v1.PriorityClass@scheduling.k8s.io/v1 apiVersion:s description:s globalDefault:b kind:s
 metadata:meta.v1.ObjectMeta preemptionPolicy:s !value:i
storage.v1.CSIDriver@storage.k8s.io/v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta !spec:CSIDriverSpec
storage.v1.CSIDriverSpec attachRequired:b fsGroupPolicy:s nodeAllocatableUpdatePeriodSeconds:i podInfoOnMount:b
 requiresRepublish:b seLinuxMount:b serviceAccountTokenInSecrets:b storageCapacity:b tokenRequests:[TokenRequest]
 volumeLifecycleModes:[s]
storage.v1.CSINode@storage.k8s.io/v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta !spec:CSINodeSpec
storage.v1.CSINodeDriver allocatable:VolumeNodeResources !name:s !nodeID:s topologyKeys:[s]
storage.v1.CSINodeSpec !drivers:[CSINodeDriver]+name
storage.v1.CSIStorageCapacity@storage.k8s.io/v1 apiVersion:s capacity:q kind:s maximumVolumeSize:q
 metadata:meta.v1.ObjectMeta nodeTopology:meta.v1.LabelSelector !storageClassName:s
storage.v1.StorageClass@storage.k8s.io/v1 allowVolumeExpansion:b allowedTopologies:[core.v1.TopologySelectorTerm]
 apiVersion:s kind:s metadata:meta.v1.ObjectMeta mountOptions:[s] parameters:{s} !provisioner:s reclaimPolicy:s
 volumeBindingMode:s
storage.v1.TokenRequest !audience:s expirationSeconds:i
storage.v1.VolumeAttachment@storage.k8s.io/v1 apiVersion:s kind:s metadata:meta.v1.ObjectMeta
 !spec:VolumeAttachmentSpec
storage.v1.VolumeAttachmentSource inlineVolumeSpec:core.v1.PersistentVolumeSpec persistentVolumeName:s
storage.v1.VolumeAttachmentSpec !attacher:s !nodeName:s !source:VolumeAttachmentSource
storage.v1.VolumeAttributesClass@storage.k8s.io/v1 apiVersion:s !driverName:s kind:s metadata:meta.v1.ObjectMeta
 parameters:{s}
storage.v1.VolumeNodeResources count:i
"""
