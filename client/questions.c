/* SPDX-License-Identifier: MIT */
/* Requests that ask what a service is and what works on this machine. */
#include <errno.h>
#include <string.h>

#include "request.h"

int criu_local_check(criu_opts *opts)
{
	CriuReq req = CRIU_REQ__INIT;
	CriuResp *resp;
	int ret;

	req.type = CRIU_REQ_TYPE__CHECK;
	ret = request_run(opts, &req, false, &resp);
	if (!ret)
		criu_resp__free_unpacked(resp, NULL);
	return ret;
}

/* What is built from between two releases counts as the one to come. */
static int version_number(const CriuVersion *version)
{
	int number =
		version->major_number * 10000 + version->minor_number * 100;

	if (version->gitid)
		return number + 100;
	return number + (version->has_sublevel ? version->sublevel : 0);
}

int criu_local_get_version(criu_opts *opts)
{
	CriuReq req = CRIU_REQ__INIT;
	CriuResp *resp;
	int ret;

	req.type = CRIU_REQ_TYPE__VERSION;
	req.opts = &opts->rpc;
	ret = request_run(opts, &req, false, &resp);
	if (ret)
		return ret;
	ret = resp->version ? version_number(resp->version) : -EBADMSG;
	criu_resp__free_unpacked(resp, NULL);
	return ret;
}

int criu_local_check_version(criu_opts *opts, int minimum)
{
	int version = criu_local_get_version(opts);

	return version < 0 ? version : version >= minimum;
}

/* Callers may have been built with a shorter list of features. */
static CriuFeatures features_ask(const struct criu_feature_check *wanted)
{
	CriuFeatures features = CRIU_FEATURES__INIT;

	features.has_mem_track = wanted->mem_track;
	features.mem_track = wanted->mem_track;
	features.has_lazy_pages = wanted->lazy_pages;
	features.lazy_pages = wanted->lazy_pages;
	features.has_pidfd_store = wanted->pidfd_store;
	features.pidfd_store = wanted->pidfd_store;
	return features;
}

static struct criu_feature_check features_found(const CriuFeatures *features)
{
	return (struct criu_feature_check){
		.mem_track = features->has_mem_track && features->mem_track,
		.lazy_pages = features->has_lazy_pages && features->lazy_pages,
		.pidfd_store =
			features->has_pidfd_store && features->pidfd_store,
	};
}

int criu_local_feature_check(
	criu_opts *opts, struct criu_feature_check *features, size_t size)
{
	struct criu_feature_check wanted = {0}, found;
	CriuReq req = CRIU_REQ__INIT;
	CriuFeatures asked;
	CriuResp *resp;
	int ret;

	if (!features || size > sizeof(wanted))
		return -1;
	memcpy(&wanted, features, size);
	asked = features_ask(&wanted);
	req.type = CRIU_REQ_TYPE__FEATURE_CHECK;
	req.features = &asked;
	req.opts = &opts->rpc;
	ret = request_run(opts, &req, false, &resp);
	if (ret)
		return ret;
	if (resp->features) {
		found = features_found(resp->features);
		memcpy(features, &found, size);
	} else {
		ret = -EBADMSG;
	}
	criu_resp__free_unpacked(resp, NULL);
	return ret;
}
