// The training operator of a sandbox: Kubeflow's own controllers and webhooks, started so that several can run
// side by side on one machine. Upstream's main listens on every address and keeps its certificate in one constant
// folder; this one listens on loopback only and keeps a certificate in a folder of its own.
//
// It takes upstream's flags (a Deployment's args work unchanged) and two of its own: -webhook-address and
// -webhook-cert-dir.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/util/flowcontrol"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/webhook"
	scheduling "sigs.k8s.io/scheduler-plugins/apis/scheduling/v1alpha1"
	volcano "volcano.sh/apis/pkg/apis/scheduling/v1beta1"
	volcanoclient "volcano.sh/apis/pkg/client/clientset/versioned"

	kubeflow "github.com/kubeflow/training-operator/pkg/apis/kubeflow.org/v1"
	"github.com/kubeflow/training-operator/pkg/config"
	controllers "github.com/kubeflow/training-operator/pkg/controller.v1"
	"github.com/kubeflow/training-operator/pkg/controller.v1/common"
	"github.com/kubeflow/training-operator/pkg/webhooks"
)

type options struct {
	metrics, probes, leaderID, gangScheduler, namespace string
	webhookAddress, webhookCertDir                      string
	leaderElect                                         bool
	threads, qps, burst, webhookPort                    int
	schemes                                             controllers.EnabledSchemes
	log                                                 zap.Options
}

func parse() *options {
	o := &options{log: zap.Options{Development: true}}
	flag.StringVar(&o.metrics, "metrics-bind-address", "0", "where metrics are served; 0: nowhere")
	flag.StringVar(&o.probes, "health-probe-bind-address", "127.0.0.1:0", "where the probes are served")
	flag.BoolVar(&o.leaderElect, "leader-elect", false, "elect a leader")
	flag.StringVar(&o.leaderID, "leader-election-id", "1ca428e5.training-operator.kubeflow.org", "the election's name")
	flag.Var(&o.schemes, "enable-scheme", "a kind of job to control; may be repeated; none: all")
	flag.StringVar(&o.gangScheduler, "gang-scheduler-name", "", "volcano, or a scheduler-plugins scheduler")
	flag.StringVar(&o.namespace, "namespace", os.Getenv("KUBEFLOW_NAMESPACE"), "the one namespace to look at; empty: all")
	flag.IntVar(&o.threads, "controller-threads", 1, "workers per controller")
	flag.IntVar(&o.qps, "kube-api-qps", 20, "requests per second to the API server")
	flag.IntVar(&o.burst, "kube-api-burst", 30, "requests at once to the API server")
	flag.IntVar(&o.webhookPort, "webhook-server-port", 9443, "the webhook server's port")
	flag.StringVar(&o.webhookAddress, "webhook-address", "127.0.0.1", "the webhook server's address")
	flag.StringVar(&o.webhookCertDir, "webhook-cert-dir", "", "a folder for the webhook server's certificate (required)")
	flag.String("webhook-service-name", "", "upstream's; without effect here")
	flag.String("webhook-secret-name", "", "upstream's; without effect here")
	c := &config.Config
	flag.StringVar(&c.PyTorchInitContainerImage, "pytorch-init-container-image", config.PyTorchInitContainerImageDefault, "")
	flag.StringVar(&c.PyTorchInitContainerTemplateFile, "pytorch-init-container-template-file", config.PyTorchInitContainerTemplateFileDefault, "")
	flag.IntVar(&c.PyTorchInitContainerMaxTries, "pytorch-init-container-max-tries", config.PyTorchInitContainerMaxTriesDefault, "")
	flag.StringVar(&c.MPIKubectlDeliveryImage, "mpi-kubectl-delivery-image", config.MPIKubectlDeliveryImageDefault, "")
	o.log.BindFlags(flag.CommandLine)
	flag.Parse()
	return o
}

// writeCertificate puts a new self-signed certificate for the loopback address into dir, as tls.crt and tls.key.
func writeCertificate(dir string) error {
	if dir == "" {
		return errors.New("-webhook-cert-dir is required")
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "training-operator"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(10, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return errors.Join(writePEM(dir, "tls.crt", "CERTIFICATE", certificate), writePEM(dir, "tls.key", "PRIVATE KEY", secret))
}

func writePEM(dir, name, kind string, data []byte) error {
	return os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data}), 0o600)
}

func newManager(o *options) (ctrl.Manager, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		clientgoscheme.AddToScheme, kubeflow.AddToScheme, volcano.AddToScheme, scheduling.AddToScheme,
	} {
		utilruntime.Must(add(scheme))
	}
	watched := cache.Options{}
	if o.namespace != "" {
		watched.DefaultNamespaces = map[string]cache.Config{o.namespace: {}}
	}
	cfg, err := ctrl.GetConfig()
	if err != nil {
		return nil, err
	}
	cfg.RateLimiter = flowcontrol.NewTokenBucketRateLimiter(float32(o.qps), o.burst)
	return ctrl.NewManager(cfg, ctrl.Options{
		Scheme:  scheme,
		Metrics: metricsserver.Options{BindAddress: o.metrics},
		WebhookServer: webhook.NewServer(webhook.Options{
			Host: o.webhookAddress, Port: o.webhookPort, CertDir: o.webhookCertDir,
		}),
		HealthProbeBindAddress: o.probes,
		LeaderElection:         o.leaderElect,
		LeaderElectionID:       o.leaderID,
		Cache:                  watched,
	})
}

func gangScheduling(mgr ctrl.Manager, name string) (common.GangSchedulingSetupFunc, error) {
	switch {
	case name == "":
		return common.GenNonGangSchedulerSetupFunc(), nil
	case strings.EqualFold(name, string(common.GangSchedulerVolcano)):
		client, err := volcanoclient.NewForConfig(mgr.GetConfig())
		return common.GenVolcanoSetupFunc(client), err
	default:
		return common.GenSchedulerPluginsSetupFunc(mgr.GetClient(), name), nil
	}
}

func addControllers(mgr ctrl.Manager, o *options) error {
	gang, err := gangScheduling(mgr, o.gangScheduler)
	if err != nil {
		return err
	}
	if o.schemes.Empty() {
		o.schemes.FillAll()
	}
	for _, scheme := range o.schemes {
		reconciler, known := controllers.SupportedSchemeReconciler[scheme]
		if !known {
			return fmt.Errorf("scheme %q is not supported", scheme)
		}
		if err := reconciler(mgr, gang, o.threads); err != nil {
			return fmt.Errorf("controller of %s: %w", scheme, err)
		}
		if hook, known := webhooks.SupportedSchemeWebhook[scheme]; known {
			if err := hook(mgr); err != nil {
				return fmt.Errorf("webhook of %s: %w", scheme, err)
			}
		}
	}
	return nil
}

func run() error {
	o := parse()
	ctrl.SetLogger(zap.New(zap.UseFlagOptions(&o.log)))
	if err := writeCertificate(o.webhookCertDir); err != nil {
		return err
	}
	mgr, err := newManager(o)
	if err != nil {
		return err
	}
	if err := addControllers(mgr, o); err != nil {
		return err
	}
	err = errors.Join(mgr.AddHealthzCheck("healthz", healthz.Ping),
		mgr.AddReadyzCheck("readyz", mgr.GetWebhookServer().StartedChecker()))
	if err != nil {
		return err
	}
	return mgr.Start(ctrl.SetupSignalHandler())
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "training operator:", err)
		os.Exit(1)
	}
}
